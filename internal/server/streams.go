package server

import (
	"context"
	"sync"
)

// streams are the open streams of events. A new one is always taken: when there are too many, the oldest of the account
// that has the most ends, and its client comes back with the last event it saw.
type streams struct {
	limit int

	mu   sync.Mutex
	open []*stream // in the order of their beginning
}

type stream struct {
	account string
	end     context.CancelFunc
}

// begin gives the context of a new stream and what to call at its end.
func (s *streams) begin(ctx context.Context, account string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	own := &stream{account, cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, own)
	if len(s.open) > s.limit {
		s.drop(s.surplus()).end()
	}
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(own)
	}
}

// surplus is the stream that gives way.
func (s *streams) surplus() *stream {
	count := map[string]int{}
	most := 0
	for _, o := range s.open {
		count[o.account]++
		most = max(most, count[o.account])
	}
	for _, o := range s.open {
		if count[o.account] == most {
			return o
		}
	}
	return nil
}

// drop takes a stream off the list and gives it back.
func (s *streams) drop(own *stream) *stream {
	for i, o := range s.open {
		if o == own {
			s.open = append(s.open[:i:i], s.open[i+1:]...)
			break
		}
	}
	return own
}
