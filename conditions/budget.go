package conditions

import (
	"time"

	"golang.org/x/time/rate"
)

// The time that the rules of one owner may take: a tenth of a processor, and a second
// of it at once. Rules of people take microseconds; nobody comes near it but who
// means harm, or made a mistake.
const (
	perSecond = 100 * time.Millisecond
	atOnce    = time.Second
)

// budget is the time that is left to the rules of one owner. A nil budget has no end:
// it is the operator's.
type budget struct{ left *rate.Limiter }

func newBudget() *budget {
	return &budget{rate.NewLimiter(rate.Limit(perSecond.Microseconds()), int(atOnce.Microseconds()))}
}

// spent reports whether nothing is left at the moment.
func (b *budget) spent() bool { return b != nil && b.left.Tokens() <= 0 }

// spend takes the time of one judgement; it may be more than is left.
func (b *budget) spend(d time.Duration) {
	if n := int(min(d, atOnce).Microseconds()); b != nil && n > 0 {
		b.left.ReserveN(time.Now(), n)
	}
}
