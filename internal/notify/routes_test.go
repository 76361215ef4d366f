package notify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"portolan/internal/state"
)

// TestAlone: who publishes a network keeps off those who want to publish the same one, and nobody else.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &routesPublished{}
		a, b := state.NetworkID{Account: "1", ID: "core-network-1"}, state.NetworkID{Account: "2", ID: "core-network-2"}
		take := func(id state.NetworkID) func() {
			done, err := p.alone(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		first, other := take(a), take(b) // another network does not wait
		other()
		got := make(chan func(), 2)
		for range 2 {
			go func() { got <- take(a) }()
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("two publish one network")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.alone(ctx, a); !errors.Is(err, context.Canceled) {
			t.Errorf("who is gone waits: %v", err)
		}
		first()
		for range 2 {
			(<-got)()
		}
		synctest.Wait()
		if len(p.busy) != 0 {
			t.Errorf("%d are busy at the end", len(p.busy))
		}
	})
}
