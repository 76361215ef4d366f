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
			done, err := all.take(t.Context(), "a", questionTurn, 0)
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
				done, err := all.take(ctx, account, questionTurn, 3)
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
		if all.taken != [turnKinds]int{} || len(all.order)+len(all.waiting)+len(all.held) != 0 {
			t.Errorf("left: %+v", &all)
		}
	})
}

// TestTurns_oneAccountLeavesAProcessor: the turns of all kinds together are no more for one account than those of one kind, and
// what does not ask the catalog never waits for what does but at its own account, a short text not even there.
func TestTurns_oneAccountLeavesAProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		got := make(chan func(), 10*heavyAtATime())
		take := func(account string, kind turnKind) {
			go func() {
				done, err := all.take(t.Context(), account, kind, 0)
				if err != nil {
					t.Error(err)
					return
				}
				got <- done
			}()
			synctest.Wait()
		}
		for range heavyAtATime() {
			take("a", questionTurn)
		}
		if len(got) != heavyAtATime() {
			t.Fatalf("%d have a turn, want %d", len(got), heavyAtATime())
		}
		take("a", operationTurn)
		if len(got) != heavyAtATime() {
			t.Error("an account has one turn more than leaves a processor")
		}
		take("b", questionTurn) // waits: it may not ask the catalog beside a
		if len(got) != heavyAtATime() {
			t.Error("more questions are answered at a time than leave a processor")
		}
		take("c", operationTurn)
		if len(got) != heavyAtATime()+1 {
			t.Error("what does not ask the catalog waits for another account that does")
		}
		take("a", textTurn)
		if len(got) != heavyAtATime()+2 {
			t.Error("a short text waits for what its account has asked before")
		}
		for range heavyAtATime() {
			take("a", textTurn)
		}
		if len(got) != 2*heavyAtATime()+1 {
			t.Error("more texts are looked at at a time than leave a processor")
		}
		for range 2*heavyAtATime() + 4 {
			(<-got)()
			synctest.Wait()
		}
		if all.taken != [turnKinds]int{} || len(all.order)+len(all.waiting)+len(all.held) != 0 {
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
