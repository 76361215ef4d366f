package server

import "sync"

// slots are the requests that are being answered at a time, all or those of a kind. An account has a share of them at most, so that it cannot take
// the others' where accounts are checked.
type slots struct {
	limit int
	share int // of one account; 0: no bound of its own

	mu    sync.Mutex
	taken int
	by    map[string]int // by account, where there are shares
}

// take reports whether one more request of the account may be answered; give ends it.
func (s *slots) take(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.limit || s.share > 0 && s.by[account] >= s.share {
		return false
	}
	s.taken++
	if s.share > 0 {
		s.by[account]++
	}
	return true
}

func (s *slots) give(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.share == 0 {
		return
	}
	if s.by[account]--; s.by[account] == 0 {
		delete(s.by, account)
	}
}

func (s *slots) inUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
