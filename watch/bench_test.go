package watch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
)

// BenchmarkSettledEvent is the cost of one event about a Deployment whose
// release is settled, by how many Deployments are cached.
func BenchmarkSettledEvent(b *testing.B) {
	for _, many := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			w := newWorld(b)
			one := settled(deployment("web", "web:1", "1"), "a")
			for i := range many {
				d := deployment("web", "web:1", "1")
				d.Name = fmt.Sprint("web-", i)
				d.UID = types.UID("uid-" + d.Name)
				small, err := slim(d)
				require.NoError(b, err)
				require.NoError(b, w.store("Deployment").Add(small))
				p := one
				p.Subject, p.UID = subject(d.Name), string(d.UID)
				w.ledger.record(p)
			}
			s := subject(fmt.Sprint("web-", many/2))
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				w.queue.Add(s)
				w.Next(ctx)
			}
			require.Empty(b, w.api.requests())
			require.Zero(b, w.ledger.reads)
		})
	}
}
