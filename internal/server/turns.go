package server

import (
	"context"
	"errors"
	"sync"

	"portolan/api"
	"portolan/internal/turns"
)

// heavyBody is how many bytes of a request make it heavy to decode.
const heavyBody = 64 << 10

// heavyOperations are those that read or compare whole policies. None asks the catalog.
var heavyOperations = map[string]bool{"GetCoreNetworkPolicy": true, "GetCoreNetworkChangeSet": true, "ExecuteCoreNetworkChangeSet": true}

// inventoryOperations are those that walk all resources of a global network. They ask the catalog, as questions do.
var inventoryOperations = map[string]bool{"GetNetworkResources": true, "GetNetworkResourceCounts": true, "GetNetworkResourceRelationships": true}

// turnOf takes the turn that a request needs before it is decoded, if any.
func (s *Server) turnOf(ctx context.Context, account string, op *api.Operation, body []byte) (held context.Context, done func(), err error) {
	switch {
	case inventoryOperations[op.Name]:
		return s.cfg.Turns.Take(ctx, account, turns.Question, 0)
	case len(body) > heavyBody || heavyOperations[op.Name] || s.large.has(account, op.Name):
		return s.cfg.Turns.Take(ctx, account, turns.Operation, 0)
	}
	return ctx, nil, nil
}

// askedTurn takes a turn for a control call, which is refused where many of its account wait.
func (s *Server) askedTurn(ctx context.Context, account string, kind turns.Kind) (held context.Context, done func(), err error) {
	if held, done, err = s.cfg.Turns.Take(ctx, account, kind, maxWaiting); errors.Is(err, turns.ErrTooMany) {
		err = overloaded()
	}
	return held, done, err
}

// maxWaiting is how many questions of an account wait; the next is refused.
const maxWaiting = 32

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
