package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

func TestLateIsWhatWasReadyBeforeTheStart(t *testing.T) {
	started := epoch.Add(time.Hour)
	for _, c := range []struct {
		name        string
		rolled, app time.Time
		want        bool
	}{
		{"nothing is known", time.Time{}, time.Time{}, false},
		{"long before", epoch, time.Time{}, true},
		{"the second before", started.Add(-time.Second), time.Time{}, false},
		{"just beyond that", started.Add(-time.Second - time.Nanosecond), time.Time{}, true},
		{"after", started.Add(time.Minute), time.Time{}, false},
		{"before, and synced after", epoch, started.Add(time.Second), false},
		{"both before", epoch, epoch.Add(time.Second), true},
		{"only a sync before", time.Time{}, epoch, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &Watcher{started: started}
			s := release.Snapshot{RolledOutAt: c.rolled, App: release.App{SyncFinishedAt: c.app}}
			require.Equal(t, c.want, w.late(s, true))
		})
	}

	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.start(1)
	w.told("web 2 release +")
	require.True(t, w.ledger.snapshots()[0].Late)
	now := changed("web", "web:3", "3", 3)
	now.Status.Conditions[0].LastUpdateTime.Time = w.clock.Now()
	w.roll(now, "c")
	w.told("web 2 release +", "web 3 release +")
	require.False(t, w.ledger.snapshots()[1].Late)
}

func TestAStalledRolloutIsToldAsSuch(t *testing.T) {
	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	d := midway(changed("web", "web:2", "2", 2))
	d.Status.Conditions[0].Reason = "ProgressDeadlineExceeded"
	w.roll(d, "b")
	w.start(1)
	w.told("web 2 release .")
	require.True(t, w.ledger.snapshots()[0].Stalled)
	require.False(t, w.ledger.snapshots()[0].Late)
}

func TestASnapshotSharesNothingWithTheCache(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	s := w.snapshot(deployments{w.Watcher}.observe(d), release.Release{})
	s.Labels["app"], s.Annotations["x"] = "changed", "y"
	require.Equal(t, "web", d.Labels["app"])
	require.NotContains(t, d.Annotations, "x")
}

func TestAKindThatDoesNotTellWhenItWasRolledOutIsLateIfNobodySawItRoll(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(1)
	w.told("db 1 initial 0")
	w.stop()
	w.revise(statefulSet("db", "db:2", "b", 2), "b", 2, 10) // made before this process was
	w.restart(1)
	w.told("db 2 release +")
	require.True(t, w.ledger.snapshots()[0].Late)

	w.revise(from("b", statefulSet("db", "db:3", "c", 3)), "c", 3, 20)
	w.told("db 2 release +", "db 3 release .")
	w.revise(statefulSet("db", "db:3", "c", 3), "c", 3, 20)
	w.told("db 2 release +", "db 3 release .", "db 3 release +")
	require.False(t, w.ledger.snapshots()[2].Late, "it was seen rolling")

	w.revise(statefulSet("db", "db:4", "d", 4), "d", 4, 90) // made since
	w.told("db 2 release +", "db 3 release .", "db 3 release +", "db 4 release +")
	require.False(t, w.ledger.snapshots()[3].Late)
}
