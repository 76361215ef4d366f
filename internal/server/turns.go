package server

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"portolan/api"
)

// turns are the rights to compute something heavy. As many computations of a kind run at a time as leave a processor to all other
// requests, and so many of an account whatever their kinds but for short texts: one account alone keeps no processor busy for long
// that others need. Accounts wait side
// by side: whoever asks for much waits behind itself and not before others.
type turns struct {
	mu      sync.Mutex
	taken   [turnKinds]int
	held    map[string]int    // by account, textTurn apart
	waiting map[string][]wish // by account, in the order they came
	order   []string          // of the accounts that wait, the next first
}

// turnKind says what a computation may wait for while it has its turn. What does not ask the catalog never waits for what does.
type turnKind int

const (
	questionTurn  turnKind = iota // asks the catalog, which may take long
	operationTurn                 // does not
	textTurn                      // is about a document that is not large: an account has it beside another turn
	turnKinds
)

// wish is a computation that waits for its turn.
type wish struct {
	kind turnKind
	own  chan struct{} // closed when it is its turn
}

// heavyBody is how many bytes of a request make it heavy to decode.
const heavyBody = 64 << 10

// heavyOperations are those that read or compare whole policies. None asks the catalog.
var heavyOperations = map[string]bool{"GetCoreNetworkPolicy": true, "GetCoreNetworkChangeSet": true, "ExecuteCoreNetworkChangeSet": true}

// inventoryOperations are those that walk all resources of a global network. They ask the catalog, as questions do.
var inventoryOperations = map[string]bool{"GetNetworkResources": true, "GetNetworkResourceCounts": true, "GetNetworkResourceRelationships": true}

// turnOf takes the turn that a request needs before it is decoded, if any.
func (s *Server) turnOf(ctx context.Context, account string, op *api.Operation, body []byte) (done func(), err error) {
	switch {
	case inventoryOperations[op.Name]:
		return s.turns.take(ctx, account, questionTurn, 0)
	case len(body) > heavyBody || heavyOperations[op.Name] || s.large.has(account, op.Name):
		return s.turns.take(ctx, account, operationTurn, 0)
	}
	return nil, nil
}

// largeAnswers knows whose latest answer of an operation was larger than heavyBody: the next one is heavy from its beginning.
// Only who has as much data is in it.
type largeAnswers struct {
	mu sync.RWMutex
	of map[largeAnswer]bool
}

type largeAnswer struct{ account, operation string }

func (l *largeAnswers) has(account, operation string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.of[largeAnswer{account, operation}]
}

func (l *largeAnswers) note(account, operation string, size int) {
	large := size > heavyBody
	if l.has(account, operation) == large {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !large {
		delete(l.of, largeAnswer{account, operation})
		return
	}
	if l.of == nil {
		l.of = map[largeAnswer]bool{}
	}
	l.of[largeAnswer{account, operation}] = true
}

// heavyAtATime is how many heavy computations of a kind run at a time, and how many of an account.
func heavyAtATime() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// maxWaiting is how many questions of an account wait; the next is refused.
const maxWaiting = 32

// take waits for a turn of an account, which done ends. Where more than most wait, 0 for any number, it is refused.
func (t *turns) take(ctx context.Context, account string, kind turnKind, most int) (done func(), err error) {
	own := make(chan struct{})
	t.mu.Lock()
	if t.waiting == nil {
		t.held, t.waiting = map[string]int{}, map[string][]wish{}
	}
	before := t.waiting[account]
	if len(before) == 0 {
		t.order = append(t.order, account)
	}
	t.waiting[account] = append(before, wish{kind, own})
	t.grant()
	if most > 0 && len(t.waiting[account]) > most && t.remove(account, own) {
		t.mu.Unlock()
		return nil, overloaded()
	}
	t.mu.Unlock()
	done = func() { t.give(account, kind) }
	select {
	case <-own:
		return done, nil
	case <-ctx.Done():
		t.mu.Lock()
		waits := t.remove(account, own)
		t.mu.Unlock()
		if !waits { // its turn came meanwhile
			done()
		}
		return nil, ctx.Err()
	}
}

// give ends a turn.
func (t *turns) give(account string, kind turnKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken[kind]--
	if kind != textTurn {
		if t.held[account]--; t.held[account] == 0 {
			delete(t.held, account)
		}
	}
	t.grant()
}

// grant gives away what can be had. An account that has had a turn goes behind the others with what it still waits for.
func (t *turns) grant() {
	for i := 0; i < len(t.order); {
		account := t.order[i]
		list := t.waiting[account]
		next := slices.IndexFunc(list, func(w wish) bool {
			return t.taken[w.kind] < heavyAtATime() && (w.kind == textTurn || t.held[account] < heavyAtATime())
		})
		if next < 0 {
			i++
			continue
		}
		t.taken[list[next].kind]++
		if list[next].kind != textTurn {
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
func (t *turns) remove(account string, own chan struct{}) bool {
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
