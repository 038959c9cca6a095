package timeline

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// many finds a range of numbers, as in web-[001-200].
var many = regexp.MustCompile(`\[(\d+)-(\d+)\]`)

// most is how many objects one line may stand for.
const most = 1000

// spread gives a line once for each number of the range that it holds, or as it is.
// Numbers are as long as the first of the range. All ranges of a line must be the
// same.
func spread(line string) ([]string, error) {
	found := many.FindStringSubmatch(line)
	if found == nil {
		return []string{line}, nil
	}
	first, err := strconv.Atoi(found[1])
	if err != nil {
		return nil, fmt.Errorf("range %s: %w", found[0], err)
	}
	last, err := strconv.Atoi(found[2])
	if err != nil || last < first || last-first >= most {
		return nil, fmt.Errorf("range %s must go up, and have at most %d numbers", found[0], most)
	}
	var out []string
	for n := first; n <= last; n++ {
		out = append(out, strings.ReplaceAll(line, found[0], fmt.Sprintf("%0*d", len(found[1]), n)))
	}
	if strings.Contains(out[0], "[") && many.MatchString(out[0]) {
		return nil, fmt.Errorf("all ranges of a line must be the same")
	}
	return out, nil
}
