package notify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/turns"
)

// TestInTurn_waitsNotForLong: an account that keeps its turns does not hold up what is published of others.
func TestInTurn_waitsNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{})
		wants := errors.New("computed")
		began := time.Now()
		compute := func(ctx context.Context, after time.Duration, want error) {
			t.Helper()
			err := n.inTurn(ctx, "a", func() error { return wants })
			if took := time.Since(began); !errors.Is(err, want) || took != after {
				t.Errorf("%v after %v, want %v after %v", err, took, want, after)
			}
		}
		compute(t.Context(), 0, wants)
		compute(t.Context(), 0, wants) // the turn has been given back
		var held []func()
		for range turns.AtATime() {
			_, done, err := n.turns.Take(t.Context(), "a", turns.Question, 0)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, done)
		}
		compute(t.Context(), longestWait, wants)
		ended, end := context.WithCancel(t.Context())
		end()
		compute(ended, longestWait, context.Canceled)
		for _, done := range held {
			done()
		}
		compute(t.Context(), longestWait, wants)
	})
}
