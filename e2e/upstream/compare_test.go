package upstream_test

import (
	"io/fs"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/upstream"
)

// theirs is a module that declares types in all the ways that there are.
func theirs(asDeclared map[string]string) *upstream.Sources {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return upstream.NewSources(map[string]fs.FS{
		"example.com/theirs/v2": fstest.MapFS{
			"api/v1/types.go": file("package v1\n" + `
				import (
					metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
					"example.com/theirs/v2/other"
					"example.com/elsewhere"
				)
				type Thing struct {
					metav1.TypeMeta   ` + "`json:\",inline\"`" + `
					metav1.ObjectMeta ` + "`json:\"metadata,omitempty\"`" + `
					Text    Words            ` + "`json:\"text\"`" + `
					Link    *other.Word      ` + "`json:\"link,omitempty\"`" + `
					Yes     bool             ` + "`json:\"yes\"`" + `
					Small   int32            ` + "`json:\"small\"`" + `
					Large   *int             ` + "`json:\"large\"`" + `
					Without uint32           ` + "`json:\"without\"`" + `
					Half    float64          ` + "`json:\"half\"`" + `
					When    metav1.Time      ` + "`json:\"when\"`" + `
					Long    metav1.Duration  ` + "`json:\"long\"`" + `
					List    Parts            ` + "`json:\"list\"`" + `
					Map     map[string]*Part ` + "`json:\"map\"`" + `
					Bytes   []byte           ` + "`json:\"bytes\"`" + `
					Any     any              ` + "`json:\"any\"`" + `
					Own     Own              ` + "`json:\"own\"`" + `
					Quoted  Quoted           ` + "`json:\"quoted\"`" + `
					Far     elsewhere.Thing  ` + "`json:\"far\"`" + `
					Not     string           ` + "`json:\"-\"`" + `
					Plain   string
					other.Inner              ` + "`json:\",inline\"`" + `
				}
				type Words = string
				type Parts []Part
				type Part struct { Name string ` + "`json:\"name\"`" + ` }
				type Own struct { Name string ` + "`json:\"name\"`" + ` }
				func (o *Own) UnmarshalJSON([]byte) error { return nil }
				type Quoted struct { N int64 ` + "`json:\"n,string\"`" + ` }
			`),
			"api/v1/types_test.go": file("package v1_test\nthis is not Go"),
			"other/other.go":       file("package other\ntype Word string\ntype Inner struct { Deep string `json:\"deep\"`; Text int `json:\"text\"` }"),
		},
		"k8s.io/apimachinery": fstest.MapFS{
			"pkg/apis/meta/v1/types.go": file("package v1\ntype TypeMeta struct { Kind string `json:\"kind\"`; APIVersion string `json:\"apiVersion\"` }\ntype ObjectMeta struct {}\n"),
		},
	}, asDeclared)
}

func TestDifferences(t *testing.T) {
	const pkg = "example.com/theirs/v2/api/v1."
	type part struct {
		Name string `json:"name"`
	}
	for name, c := range map[string]struct {
		ours any
		want []string
	}{
		"all that there is": {struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Text              string           `json:"text"`
			Link              string           `json:"link"`
			Yes               bool             `json:"yes"`
			Small             *int32           `json:"small"`
			Large             int64            `json:"large"`
			Without           int64            `json:"without"`
			When              *metav1.Time     `json:"when"`
			Long              string           `json:"long"`
			List              []part           `json:"list"`
			Map               map[string]*part `json:"map"`
			Bytes             string           `json:"bytes"`
			Any               struct{ N int }  `json:"any"`
			Deep              string           `json:"deep"`
			Plain             string           `json:"Plain"`
			Mark              string           `json:"-"`
		}{}, nil},
		"nothing of an object": {struct {
			List []struct{} `json:"list"`
		}{}, nil},
		"a name misspelt": {struct {
			Name []struct {
				Nome string `json:"nome"`
			} `json:"list"`
		}{}, []string{"list[].nome: there is none, but name"}},
		"a name in other case": {struct {
			Name map[string]struct {
				Name string `json:"Name"`
			} `json:"map"`
		}{}, []string{"map{}.Name: there is none, but name"}},
		"in no JSON there": {struct {
			Map struct{ Not string } `json:"map"`
		}{}, []string{"map: an object here, map there"}},
		"no name": {struct{ Text string }{}, []string{": its field Text has no name in JSON"}},
		"text for a number": {struct {
			A string `json:"small"`
		}{}, []string{"small: string here, int32 there"}},
		"a number for text": {struct {
			A int64 `json:"link"`
		}{}, []string{"link: int64 here, string there"}},
		"too small a number": {struct {
			A int32 `json:"large"`
		}{}, []string{"large: int32 here, int64 there"}},
		"too small without sign": {struct {
			A int32 `json:"without"`
		}{}, []string{"without: int32 here, uint32 there"}},
		"a whole for a half": {struct {
			A int64 `json:"half"`
		}{}, []string{"half: int64 here, float64 there"}},
		"text for yes or no": {struct {
			A string `json:"yes"`
		}{}, []string{"yes: string here, bool there"}},
		"text for a time": {struct {
			A string `json:"when"`
		}{}, []string{"when: string here, time there"}},
		"a time for text": {struct {
			A metav1.Time `json:"text"`
		}{}, []string{"text: an object here, string there"}},
		"one for several": {struct {
			A part `json:"list"`
		}{}, []string{"list: an object here, list there"}},
		"several for one": {struct {
			A []string `json:"text"`
		}{}, []string{"text: []string here, string there"}},
		"a map for a list": {struct {
			A map[string]part `json:"list"`
		}{}, []string{"list: map[string]upstream_test.part here, list there"}},
		"text for an object": {struct {
			A []string `json:"list"`
		}{}, []string{"list[]: string here, object there"}},
		"two at once": {struct {
			A string `json:"small"`
			B bool   `json:"text"`
		}{}, []string{"small: string here, int32 there", "text: bool here, string there"}},
		"what encodes itself": {struct {
			A part `json:"own"`
		}{}, []string{"own: read type " + pkg + "Own: it encodes itself: no shape of JSON is known"}},
		"a number in quotes": {struct {
			A struct{} `json:"quoted"`
		}{}, []string{"quoted: read struct in example.com/theirs/v2/api/v1: member n is a number in quotes: no shape of JSON is known"}},
		"of an unknown module": {struct {
			A struct{} `json:"far"`
		}{}, []string{"far: find package example.com/elsewhere: no such module is known"}},
	} {
		t.Run(name, func(t *testing.T) {
			held := upstream.Comparison{Sources: theirs(nil), Package: "example.com/theirs/v2/api/v1", Type: "Thing"}
			require.Equal(t, c.want, held.Differences(reflect.TypeOf(c.ours)))
		})
	}
}

func TestDifferencesThatAreExcused(t *testing.T) {
	ours := reflect.TypeFor[struct {
		List []struct {
			New string `json:"new"`
		} `json:"list"`
		Own struct {
			Name string `json:"name"`
		} `json:"own"`
	}]()
	held := upstream.Comparison{
		Sources: theirs(map[string]string{"example.com/theirs/v2/api/v1.Own": "it only counts"}), Package: "example.com/theirs/v2/api/v1", Type: "Thing",
		Absent: map[string]string{"list[].new": "only the next version has it"},
	}
	require.Empty(t, held.Differences(ours))
	held.Absent["list[].old"] = "nobody has it any more"
	require.Equal(t, []string{"list[].old: it is not absent there, or not present here"}, held.Differences(ours))
}

func TestATypeThatIsNotThere(t *testing.T) {
	held := upstream.Comparison{Sources: theirs(nil), Package: "example.com/theirs/v2/api/v1", Type: "Thong"}
	require.Equal(t, []string{"find type example.com/theirs/v2/api/v1.Thong: it is not declared"}, held.Differences(reflect.TypeFor[struct{}]()))
	held.Package = "example.com/theirs/v2/api/v2"
	require.Contains(t, held.Differences(reflect.TypeFor[struct{}]())[0], "read package example.com/theirs/v2/api/v2")
}

func TestHiddenFields(t *testing.T) {
	require.Equal(t, []string{"inner.Mark", "outer.Mark"}, upstream.Hidden(reflect.TypeFor[outer]()))
}

type outer struct {
	Mark string           `json:"-"`
	All  map[string]inner `json:"all"`
	Self []*outer         `json:"self"`
	When metav1.Time      `json:"when"`
}

type inner struct {
	Mark int `json:"-"`
}
