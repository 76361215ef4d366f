package turns

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
		var all Turns
		var held []func()
		for range AtATime() {
			_, done, err := all.Take(t.Context(), "a", Question, 0)
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
				_, done, err := all.Take(ctx, account, Question, 3)
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
		if all.taken != [kinds]int{} || len(all.order)+len(all.waiting)+len(all.held) != 0 {
			t.Errorf("left: %+v", &all)
		}
	})
}

// TestTurns_oneAccountLeavesAProcessor: the turns of all kinds together are no more for one account than those of one kind, and
// what does not ask the catalog never waits for what does but at its own account, a short text not even there.
func TestTurns_oneAccountLeavesAProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all Turns
		got := make(chan func(), 10*AtATime())
		take := func(account string, kind Kind) {
			go func() {
				_, done, err := all.Take(t.Context(), account, kind, 0)
				if err != nil {
					t.Error(err)
					return
				}
				got <- done
			}()
			synctest.Wait()
		}
		for range AtATime() {
			take("a", Question)
		}
		if len(got) != AtATime() {
			t.Fatalf("%d have a turn, want %d", len(got), AtATime())
		}
		take("a", Operation)
		if len(got) != AtATime() {
			t.Error("an account has one turn more than leaves a processor")
		}
		take("b", Question) // waits: it may not ask the catalog beside a
		if len(got) != AtATime() {
			t.Error("more questions are answered at a time than leave a processor")
		}
		take("c", Operation)
		if len(got) != AtATime()+1 {
			t.Error("what does not ask the catalog waits for another account that does")
		}
		take("a", Text)
		if len(got) != AtATime()+2 {
			t.Error("a short text waits for what its account has asked before")
		}
		for range AtATime() {
			take("a", Text)
		}
		if len(got) != 2*AtATime()+1 {
			t.Error("more texts are looked at at a time than leave a processor")
		}
		for range 2*AtATime() + 4 {
			(<-got)()
			synctest.Wait()
		}
		if all.taken != [kinds]int{} || len(all.order)+len(all.waiting)+len(all.held) != 0 {
			t.Errorf("left: %+v", &all)
		}
	})
}

// TestTurns_heldIsEnough: what has a turn waits for no other, whatever asks for one within it.
func TestTurns_heldIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all Turns
		ctx, done, err := all.Take(t.Context(), "a", Question, 0)
		if err != nil {
			t.Fatal(err)
		}
		for range AtATime() + 1 {
			_, within, err := all.Take(ctx, "a", Operation, 1)
			if err != nil {
				t.Fatal(err)
			}
			within()
		}
		if all.held["a"] != 1 {
			t.Errorf("%d turns are held, want 1", all.held["a"])
		}
		done()
		if len(all.held) != 0 {
			t.Errorf("left: %v", all.held)
		}
	})
}

// TestTurns_publicationFirst: a publication does not wait behind all that its account has asked, nor for other accounts.
func TestTurns_publicationFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all Turns
		var held []func()
		for range AtATime() {
			_, done, err := all.Take(t.Context(), "a", Operation, 0)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, done)
		}
		order := make(chan Kind)
		for _, kind := range []Kind{Operation, Question, Publication} {
			go func() {
				_, done, err := all.Take(t.Context(), "a", kind, 0)
				if err != nil {
					t.Error(err)
					return
				}
				order <- kind
				done()
			}()
			synctest.Wait()
		}
		held[0]()
		if first := <-order; first != Publication {
			t.Errorf("the first turn is of kind %d", first)
		}
		for _, account := range []string{"b", "c", "d"} {
			_, done, err := all.Take(t.Context(), account, Publication, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer done()
		}
		<-order
		<-order
		for _, done := range held[1:] {
			done()
		}
	})
}
