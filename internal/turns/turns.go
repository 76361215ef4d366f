// Package turns gives out the right to compute something heavy, so that the work of one account leaves a processor to the calls of
// the others.
//
// It must not know what is computed.
package turns

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
)

// Turns are the rights to compute something heavy. As many computations of a kind but publications run at a time as leave a processor to
// all other requests, and so many of an account whatever their kinds but for short texts: one account alone keeps no processor busy for long
// that others need. Accounts wait side by side: whoever asks for much waits behind itself and not before others. The zero value is
// ready for use.
type Turns struct {
	mu      sync.Mutex
	taken   [kinds]int
	held    map[string]int    // by account, Text apart
	waiting map[string][]wish // by account, in the order they came
	order   []string          // of the accounts that wait, the next first
}

// Kind says what a computation may wait for while it has its turn. What does not ask the catalog never waits for what does.
type Kind int

const (
	Question    Kind = iota // asks the catalog, which may take long
	Operation               // does not
	Text                    // is about a document that is not large: an account has it beside another turn
	Publication             // of what has changed: it goes before what else its account waits for, and waits for no other account
	kinds
)

// wish is a computation that waits for its turn.
type wish struct {
	kind Kind
	own  chan struct{} // closed when it is its turn
}

// AtATime is how many heavy computations of a kind run at a time, and how many of an account.
func AtATime() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// ErrTooMany is that of an account that waits for more turns than it may.
var ErrTooMany = errors.New("too many computations of the account wait")

// turnKey is the key of the context of a computation that has its turn.
type turnKey struct{}

// Exempt returns a context that takes no turns: for what is done for all accounts, one after the other, and must not wait for one.
func Exempt(ctx context.Context) context.Context { return context.WithValue(ctx, turnKey{}, true) }

// Take waits for a turn of an account, which done ends. What is computed with the context it returns has that turn: it takes no
// other. Where more than most wait, 0 for any number, it returns [ErrTooMany].
func (t *Turns) Take(ctx context.Context, account string, kind Kind, most int) (held context.Context, done func(), err error) {
	if ctx.Value(turnKey{}) != nil {
		return ctx, func() {}, nil
	}
	own := make(chan struct{})
	t.mu.Lock()
	if t.waiting == nil {
		t.held, t.waiting = map[string]int{}, map[string][]wish{}
	}
	before := t.waiting[account]
	if len(before) == 0 {
		t.order = append(t.order, account)
	}
	if kind == Publication {
		t.waiting[account] = slices.Insert(before, 0, wish{kind, own})
	} else {
		t.waiting[account] = append(before, wish{kind, own})
	}
	t.grant()
	if most > 0 && len(t.waiting[account]) > most && t.remove(account, own) {
		t.mu.Unlock()
		return nil, nil, ErrTooMany
	}
	t.mu.Unlock()
	done = func() { t.give(account, kind) }
	select {
	case <-own: // though ctx may have ended
		return Exempt(ctx), done, nil
	default:
	}
	select {
	case <-own:
		return Exempt(ctx), done, nil
	case <-ctx.Done():
		t.mu.Lock()
		waits := t.remove(account, own)
		t.mu.Unlock()
		if !waits { // its turn came meanwhile
			done()
		}
		return nil, nil, ctx.Err()
	}
}

// give ends a turn.
func (t *Turns) give(account string, kind Kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken[kind]--
	if kind != Text {
		if t.held[account]--; t.held[account] == 0 {
			delete(t.held, account)
		}
	}
	t.grant()
}

// grant gives away what can be had. An account that has had a turn goes behind the others with what it still waits for.
func (t *Turns) grant() {
	for i := 0; i < len(t.order); {
		account := t.order[i]
		list := t.waiting[account]
		next := slices.IndexFunc(list, func(w wish) bool {
			return (w.kind == Publication || t.taken[w.kind] < AtATime()) && (w.kind == Text || t.held[account] < AtATime())
		})
		if next < 0 {
			i++
			continue
		}
		t.taken[list[next].kind]++
		if list[next].kind != Text {
			t.held[account]++
		}
		close(list[next].own)
		t.order = slices.Delete(t.order, i, i+1)
		if t.waiting[account] = slices.Delete(list, next, next+1); len(t.waiting[account]) > 0 {
			t.order = append(t.order, account)
		} else {
			delete(t.waiting, account)
		}
	}
}

// remove takes back a wish, and tells whether it was still one.
func (t *Turns) remove(account string, own chan struct{}) bool {
	list := t.waiting[account]
	i := slices.IndexFunc(list, func(w wish) bool { return w.own == own })
	if i < 0 {
		return false
	}
	if t.waiting[account] = slices.Delete(list, i, i+1); len(t.waiting[account]) == 0 {
		delete(t.waiting, account)
		t.order = slices.DeleteFunc(t.order, func(other string) bool { return other == account })
	}
	return true
}
