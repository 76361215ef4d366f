package server

import "sync/atomic"

// shared is a piece of work that anybody may ask for, however many do at a time: one does it, and those who asked before it
// began take what it found. So it keeps one processor busy at most, and no answer is older than its question.
type shared[T any] struct {
	do    func() T
	begun atomic.Int64 // how often do was called

	turn  chan struct{} // full while do runs
	found T
	at    int64 // which call of do found it
}

func share[T any](do func() T) *shared[T] { return &shared[T]{do: do, turn: make(chan struct{}, 1)} }

// get is what a call of do found that began after get was called.
func (s *shared[T]) get() T {
	asked := s.begun.Load()
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.at <= asked {
		at := s.begun.Add(1)
		s.found = s.do()
		s.at = at
	}
	return s.found
}
