package timeline

import (
	"errors"
	"time"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// second starts another rollcall beside those that run: an old leader that does not
// know yet that it is none. What happens to rollcall from then on happens to both,
// and only one is started again.
type second struct{ behind time.Duration }

func (a second) do(e *engine) error {
	if len(e.running) == 0 {
		return errors.New("there is no rollcall beside which a second one could be")
	}
	return e.launch(a.behind)
}

func readSecond(text string) (Action, error) {
	if text == "" {
		return second{}, nil
	}
	behind, err := time.ParseDuration(text)
	if err != nil || behind < 0 {
		return nil, errors.New("a second rollcall is written as in second, or second 500ms if its caches are that far behind")
	}
	return second{behind}, nil
}

// wipe deletes all records.
type wipe struct{}

func (wipe) do(e *engine) error {
	for _, o := range e.server.List(v1alpha1.Kind) {
		e.server.Remove(v1alpha1.Kind, o.GetNamespace(), o.GetName())
	}
	return nil
}
