package lab

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
)

// spawner starts processes from one operating-system thread that lives as long
// as the lab. The kernel ties a parent-death signal to the thread that forked,
// not to the process, so children started from any thread could be killed when
// the Go runtime retires that thread.
type spawner struct {
	work chan func()
	quit chan struct{}
	once sync.Once
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), quit: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	runtime.LockOSThread() // Never unlocked: the thread ends with this goroutine.
	for {
		select {
		case f := <-s.work:
			f()
		case <-s.quit:
			return
		}
	}
}

// start starts the command on the spawner's thread.
func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	select {
	case s.work <- func() { result <- cmd.Start() }:
		return <-result
	case <-s.quit:
		return errors.New("the lab is stopped")
	}
}

// close ends the thread, and with it everything that it started and that still runs.
func (s *spawner) close() { s.once.Do(func() { close(s.quit) }) }
