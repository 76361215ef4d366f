package lifecycle

import (
	"container/heap"
	"math"
	"slices"
)

// remember adds the times of entries that have been committed.
func (q *Queue) remember(times []dueTime) {
	if len(times) == 0 {
		return
	}
	q.mu.Lock()
	before := q.next.Load()
	earliest := before
	for _, d := range times {
		q.seq++
		h := q.dues[d.owner]
		if h == nil {
			h = new(dueHeap)
			q.dues[d.owner] = h
		}
		heap.Push(h, dueAt{d.at, q.seq, d.prepared})
		if d.prepared {
			q.prepared.Add(1)
		}
		earliest = min(earliest, d.at)
	}
	q.next.Store(earliest)
	earlier := earliest < before
	q.mu.Unlock()
	if earlier {
		q.wakeUp()
	}
}

func (q *Queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// forget drops the times of the owners up to now that were known before the transaction that applied them began. A time
// remembered since then may belong to an entry that transaction did not see; it costs one look at most.
func (q *Queue) forget(owners []string, now int64, seen uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := int64(math.MaxInt64)
	for owner, h := range q.dues {
		if owners == nil || slices.Contains(owners, owner) {
			q.prepared.Add(-h.forget(now, seen))
		}
		if len(*h) == 0 {
			delete(q.dues, owner)
		} else {
			next = min(next, (*h)[0].at)
		}
	}
	q.next.Store(next)
}

type dueAt struct {
	at       int64
	seq      uint64
	prepared bool // as in dueTime
}

type dueHeap []dueAt

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// forget tells how many of those it drops are of kinds that have a preparer.
func (h *dueHeap) forget(now int64, seen uint64) (prepared int64) {
	var kept []dueAt
	for len(*h) > 0 && (*h)[0].at <= now {
		switch d := heap.Pop(h).(dueAt); {
		case d.seq > seen:
			kept = append(kept, d)
		case d.prepared:
			prepared++
		}
	}
	for _, d := range kept {
		heap.Push(h, d)
	}
	return prepared
}
