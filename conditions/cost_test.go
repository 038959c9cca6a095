package conditions

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

// nested puts an expression into itself, with a new name for each time.
func nested(times int, outer, inner string) string {
	expr := strings.ReplaceAll(inner, "OUT", fmt.Sprint("v", times))
	for i := times; i > 0; i-- {
		expr = strings.NewReplacer("NEW", fmt.Sprint("v", i), "OLD", fmt.Sprint("v", i-1), "REST", expr).Replace(outer)
	}
	return expr
}

const ten = "OLD + OLD + OLD + OLD + OLD + OLD + OLD + OLD + OLD + OLD"

// Whatever an expression makes of little, its evaluation ends early: in an error, and
// with little memory.
func TestHostileExpressionsAreStopped(t *testing.T) {
	start := func(rest string) string { return "cel.bind(v0, release.name + 'xxxxxxxxxx', " + rest + ")" }
	for name, expr := range map[string]string{
		"bind":          start(nested(12, "cel.bind(NEW, "+ten+", REST)", "OUT.size() > 0")),
		"all":           start(nested(12, "["+ten+"].all(NEW, REST)", "OUT.size() > 0")),
		"map":           "[release.name + 'xxxxxxxxxx']" + strings.Repeat(".map(v, "+strings.ReplaceAll(ten, "OLD", "v")+")", 12) + ".size() > 0",
		"optional":      "optional.of(release.name + 'xxxxxxxxxx')" + strings.Repeat(".optMap(v, "+strings.ReplaceAll(ten, "OLD", "v")+")", 12) + ".hasValue()",
		"two at once":   "[release.name + 'xxxxxxxxxx']" + strings.Repeat(".transformList(i, v, "+strings.ReplaceAll(ten, "OLD", "v")+")", 12) + ".size() > 0",
		"format":        start(nested(12, "cel.bind(NEW, '%s%s%s%s%s%s%s%s%s%s'.format([OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD]), REST)", "OUT.size() > 0")),
		"join":          start(nested(12, "cel.bind(NEW, [OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD].join(''), REST)", "OUT.size() > 0")),
		"join between":  start(nested(12, "cel.bind(NEW, [OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD].join(OLD), REST)", "OUT.size() > 0")),
		"replace":       start(nested(12, "cel.bind(NEW, OLD.replace('x', 'xxxxxxxxxx'), REST)", "OUT.size() > 0")),
		"replace all":   start(nested(12, "cel.bind(NEW, regex.replace(OLD, 'x', 'xxxxxxxxxx'), REST)", "OUT.size() > 0")),
		"bytes":         start("cel.bind(v0, bytes(v0), " + nested(12, "cel.bind(NEW, "+ten+", REST)", "OUT.size() > 0") + ")"),
		"lists":         "cel.bind(v0, lists.range(1000), " + nested(4, "cel.bind(NEW, OLD.map(x, OLD).flatten(), REST)", "OUT.size() > 0") + ")",
		"sums of lists": "cel.bind(v0, [release.name], " + nested(12, "cel.bind(NEW, "+ten+", REST)", "OUT.size() > 0") + ")",
		"equal lists":   "cel.bind(v0, [release.name], " + nested(12, "cel.bind(NEW, "+ten+", REST)", "OUT == OUT + OUT") + ")",
		"loops":         "cel.bind(v, lists.range(1000), v.all(a, v.all(b, v.all(c, a + b + c >= 0))))",
		"ranges":        "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, a + b + c >= 0)))",
		"strings":       "cel.bind(v, lists.range(1000), v.map(a, v.map(b, v.map(c, string(a))).size()).size() > 0)",
		"maps":          "cel.bind(v, lists.range(1000), v.map(a, v.transformMapEntry(i, b, {string(b): v})).size() > 0)",
		"sorted":        "cel.bind(v, lists.range(1000), v.map(a, v.sortBy(b, -b)).size() > 0)",
		"distinct":      "cel.bind(v, lists.range(1000), v.map(a, v.distinct()).size() > 0)",
		"split":         start(nested(5, "cel.bind(NEW, "+ten+", REST)", "OUT.split('').map(a, OUT.split('')).size() > 0")),
		"encode":        start(nested(12, "cel.bind(NEW, base64.encode(bytes("+ten+")), REST)", "OUT.size() > 0")),
		"quote":         start(nested(12, "cel.bind(NEW, strings.quote("+ten+"), REST)", "OUT.size() > 0")),
	} {
		t.Run(name, func(t *testing.T) {
			l, err := NewLanguage()
			require.NoError(t, err)
			c, err := l.Condition(expr)
			require.NoError(t, err)
			snap := release.Snapshot{Release: release.Release{Subject: release.Subject{Name: "web"}}}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = c.holds(t.Context(), newLook(snap, time.Time{}))
			never := Rule{Name: "r", When: c}.NeverHolds()
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			assert.Contains(t, err.Error(), "operation cancelled")
			assert.False(t, never, "whether it can be true is not known")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
		})
	}
}

// To go through a list of a thousand is no more than it was.
func TestLongLoopsAreAfforded(t *testing.T) {
	l, err := NewLanguage()
	require.NoError(t, err)
	for _, expr := range []string{
		"lists.range(1000).map(a, a + 1).size() == 1000",
		"lists.range(100).sortBy(a, -a).size() == 100",
		"cel.bind(v, lists.range(1000), v.filter(a, a % 2 == 0).size() == 500)",
		"lists.range(1000).transformMapEntry(i, v, {string(v): v}).size() == 1000",
	} {
		c, err := l.Condition(expr)
		require.NoError(t, err)
		require.True(t, c.counts())
		holds, err := c.holds(t.Context(), newLook(release.Snapshot{}, time.Time{}))
		require.NoError(t, err, expr)
		assert.True(t, holds, expr)
	}
}

// What people write is not counted: that would make it several times slower.
func TestOrdinaryLoopsAreNotCounted(t *testing.T) {
	l, err := NewLanguage()
	require.NoError(t, err)
	for _, expr := range []string{
		"release.ready && app.project == 'shop'",
		"release.images.all(i, i.startsWith('registry.example.com/'))",
		"release.workloads.exists(w, w.kind == 'Deployment' && w.ready)",
		"release.labels.exists(k, k == 'team')",
	} {
		c, err := l.Condition(expr)
		require.NoError(t, err)
		assert.False(t, c.counts(), expr)
	}
}
