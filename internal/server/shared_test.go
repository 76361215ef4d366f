package server

import (
	"sync"
	"testing"
	"testing/synctest"
)

// TestShared_oneForAllWhoWait: what many ask for at a time is done once for them, and again for who asks later.
func TestShared_oneForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := 0
		running := make(chan struct{})
		work := share(func() int {
			<-running
			done++
			return done
		})
		var wg sync.WaitGroup
		ask := func(want int) {
			wg.Go(func() {
				if got := work.get(); got != want {
					t.Errorf("got what run %d found, want that of run %d", got, want)
				}
			})
			synctest.Wait()
		}
		ask(1)
		for range 20 { // while it runs: what it finds may be older than their question
			ask(2)
		}
		close(running)
		wg.Wait()
		if got := work.get(); got != 3 {
			t.Errorf("later: what run %d found, want that of a new one", got)
		}
	})
}

// TestShared_panic: who waits does not get what a run that panicked left behind, and does not wait forever.
func TestShared_panic(t *testing.T) {
	fail := true
	work := share(func() int {
		if fail {
			panic("once")
		}
		return 7
	})
	func() {
		defer func() { _ = recover() }()
		work.get()
	}()
	fail = false
	if got := work.get(); got != 7 {
		t.Errorf("got %d", got)
	}
}
