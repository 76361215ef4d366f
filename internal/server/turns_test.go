package server

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// TestTurns_accountsSideBySide: an account that asks for much waits behind itself.
func TestTurns_accountsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		var held []func()
		for range heavyAtATime() {
			done, err := all.take(t.Context(), "a", 0)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, done)
		}
		var mu sync.Mutex
		var order []string
		next := make(chan func(), 10)
		wait := func(ctx context.Context, account string) {
			go func() {
				done, err := all.take(ctx, account, 3)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, context.Canceled):
					order = append(order, account+" left")
				case err != nil:
					order = append(order, account+" refused")
				default:
					order = append(order, account)
					next <- done // has room for all
				}
			}()
			synctest.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		wait(t.Context(), "a")
		wait(t.Context(), "a")
		wait(gone, "a")
		wait(t.Context(), "a") // one too many
		wait(t.Context(), "b")
		wait(gone, "c")
		wait(t.Context(), "b")
		leave()
		synctest.Wait()
		for _, done := range held {
			done()
			synctest.Wait()
		}
		for range 4 {
			(<-next)()
			synctest.Wait()
		}
		if got := strings.ReplaceAll(strings.Join(order, ", "), "c left, a left", "a left, c left"); got != "a refused, a left, c left, a, b, a, b" {
			t.Error(got)
		}
		if all.taken != 0 || len(all.order)+len(all.waiting) != 0 {
			t.Errorf("left: %+v", &all)
		}
	})
}

func TestLargeAnswers_nextIsHeavy(t *testing.T) {
	var l largeAnswers
	l.note("a", "GetDevices", heavyBody+1)
	if !l.has("a", "GetDevices") || l.has("a", "GetSites") || l.has("b", "GetDevices") {
		t.Error("a large answer concerns another account or operation, or is not known")
	}
	l.note("a", "GetDevices", heavyBody)
	if l.has("a", "GetDevices") || len(l.of) != 0 {
		t.Error("a small answer left the operation heavy")
	}
}
