package server

import (
	"context"
	"runtime"
	"sync"

	"portolan/api"
)

// turns are the rights to compute something heavy: as many at a time as leave a processor to all other requests. Accounts
// wait side by side: whoever asks for much waits behind itself and not before others.
type turns struct {
	mu      sync.Mutex
	taken   int
	waiting map[string][]chan struct{} // by account, each closed when it is its turn
	order   []string                   // of the accounts that wait, the next first
}

// heavyBody is how many bytes of a request make it heavy to decode.
const heavyBody = 64 << 10

// heavyOperations are those that read or compare whole policies. None asks the catalog, which may take long.
var heavyOperations = map[string]bool{"GetCoreNetworkPolicy": true, "GetCoreNetworkChangeSet": true, "ExecuteCoreNetworkChangeSet": true}

// inventoryOperations are those that walk all resources of a global network. They ask the catalog, as questions do, and take their
// turn among those.
var inventoryOperations = map[string]bool{"GetNetworkResources": true, "GetNetworkResourceCounts": true, "GetNetworkResourceRelationships": true}

// turnOf takes the turn that a request needs before it is decoded, if any.
func (s *Server) turnOf(ctx context.Context, account string, op *api.Operation, body []byte) (done func(), err error) {
	switch {
	case inventoryOperations[op.Name]:
		return s.questions.take(ctx, account, 0)
	case len(body) > heavyBody || heavyOperations[op.Name] || s.large.has(account, op.Name):
		return s.heavy.take(ctx, account, 0)
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

// heavyAtATime is how many heavy computations run at a time.
func heavyAtATime() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// maxWaiting is how many questions of an account wait; the next is refused.
const maxWaiting = 32

// take waits for a turn of an account, which done ends. Where more than most wait, 0 for any number, it is refused.
func (t *turns) take(ctx context.Context, account string, most int) (done func(), err error) {
	t.mu.Lock()
	if t.taken < heavyAtATime() {
		t.taken++
		t.mu.Unlock()
		return t.give, nil
	}
	if most > 0 && len(t.waiting[account]) >= most {
		t.mu.Unlock()
		return nil, overloaded()
	}
	if t.waiting == nil {
		t.waiting = map[string][]chan struct{}{}
	}
	own := make(chan struct{})
	if len(t.waiting[account]) == 0 {
		t.order = append(t.order, account)
	}
	t.waiting[account] = append(t.waiting[account], own)
	t.mu.Unlock()
	select {
	case <-own:
		return t.give, nil
	case <-ctx.Done():
		t.leave(account, own)
		return nil, ctx.Err()
	}
}

// give ends a turn: the next account has it, and goes behind the others with what it still waits for.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		t.taken--
		return
	}
	account := t.order[0]
	list := t.waiting[account]
	close(list[0])
	t.order = t.order[1:]
	if len(list) == 1 {
		delete(t.waiting, account)
		return
	}
	t.waiting[account] = list[1:]
	t.order = append(t.order, account)
}

// leave takes back a wish, or the turn that came meanwhile.
func (t *turns) leave(account string, own chan struct{}) {
	t.mu.Lock()
	list := t.waiting[account]
	for i, other := range list {
		if other != own {
			continue
		}
		list = append(list[:i:i], list[i+1:]...)
		if t.waiting[account] = list; len(list) == 0 {
			delete(t.waiting, account)
			for j, waits := range t.order {
				if waits == account {
					t.order = append(t.order[:j:j], t.order[j+1:]...)
					break
				}
			}
		}
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	t.give()
}
