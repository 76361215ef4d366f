package bgp

import "time"

// alarm is a timer that is put off far more often than it goes off: putting it off only notes the time. It is used under
// the lock of its session, and calls fire with the session locked.
type alarm struct {
	timer *time.Timer
	at    time.Time // when timer goes off
	due   time.Time // when the alarm is due; zero: not set
}

// set makes the alarm go off after d; zero or less unsets it.
func (a *alarm) set(d time.Duration, s *Session, fire func()) {
	if d <= 0 {
		a.due = time.Time{}
		return
	}
	now := time.Now()
	a.due = now.Add(d)
	switch {
	case a.timer == nil:
		a.at = a.due
		a.timer = time.AfterFunc(d, func() { a.ring(s, fire) })
	case a.at.After(a.due) || !a.at.After(now):
		a.at = a.due
		a.timer.Reset(d)
	}
}

func (a *alarm) unset() { a.due = time.Time{} }

// stop releases the timer.
func (a *alarm) stop() {
	a.due = time.Time{}
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (a *alarm) isSet() bool { return !a.due.IsZero() }

func (a *alarm) ring(s *Session, fire func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.due.IsZero() {
		return
	}
	if left := time.Until(a.due); left > 0 {
		a.at = a.due
		a.timer.Reset(left)
		return
	}
	a.due = time.Time{}
	fire()
	s.report()
}
