package bgp

import (
	"bytes"
	"sync"
	"time"
)

// Tapped is what a [Tap] has seen of a session: a message that has arrived, or with a nil message a change of state.
type Tapped struct {
	At         time.Time
	Session    *Session
	Message    []byte
	Transition Transition
}

// Tap copies what sessions receive for one reader who may be slower than they are: Received and Changed never wait. What is more
// than its limit is lost and counted.
type Tap struct {
	limit int
	wake  chan struct{}

	mu    sync.Mutex
	queue []Tapped
	bytes int
	lost  int
}

// tappedSize is what an entry of the queue takes besides its message.
const tappedSize = 200

// NewTap is a Tap that holds so many bytes.
func NewTap(limit int) *Tap { return &Tap{limit: limit, wake: make(chan struct{}, 1)} }

// Changed notes a change of state.
func (t *Tap) Changed(s *Session, tr Transition) {
	t.push(Tapped{At: tr.At, Session: s, Transition: tr})
}

// Received notes a message.
func (t *Tap) Received(s *Session, message []byte) {
	t.push(Tapped{At: time.Now(), Session: s, Message: bytes.Clone(message)})
}

func (t *Tap) push(e Tapped) {
	t.mu.Lock()
	if size := tappedSize + len(e.Message); t.bytes+size > t.limit {
		t.lost++
	} else {
		t.bytes += size
		t.queue = append(t.queue, e)
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Wake has something when there may be something to take.
func (t *Tap) Wake() <-chan struct{} { return t.wake }

// Take is what was noted since the last call, and how much of it was lost.
func (t *Tap) Take() ([]Tapped, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, lost := t.queue, t.lost
	t.queue, t.bytes, t.lost = nil, 0, 0
	return list, lost
}
