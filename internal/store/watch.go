package store

import (
	"context"
	"strings"
	"sync"
)

// watchBuffer is how many commits a watcher may lag behind before it is cut off. A commit's values are shared with the
// store and with the other watchers, so what waits here is mostly slice headers.
const watchBuffer = 1024

// hub hands commits to watchers. Stores publish to it while they hold the right to write, so order is theirs.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   bool
}

type watcher struct {
	prefix string
	after  uint64 // the revision that readers saw when the watcher came: it gets what is newer
	ch     chan Commit
	stop   func() bool // stops waiting for the end of the watcher's context
}

// watch adds a watcher of the commits after a revision. A store whose readers, or whose callers of Update, may see a commit
// before the hub has it gives the newest revision that they see.
func (h *hub) watch(ctx context.Context, prefix string, after uint64) (<-chan Commit, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	w := &watcher{prefix: prefix, after: after, ch: make(chan Commit, watchBuffer)}
	w.stop = context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(w)
	})
	if h.watchers == nil {
		h.watchers = map[*watcher]struct{}{}
	}
	h.watchers[w] = struct{}{}
	return w.ch, nil
}

// publish never waits for a watcher.
func (h *hub) publish(commits ...Commit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		for _, c := range commits {
			if c.Changes = under(c.Changes, w.prefix); len(c.Changes) == 0 || c.Revision <= w.after {
				continue
			}
			select {
			case w.ch <- c:
				continue
			default:
			}
			h.drop(w)
			break
		}
	}
}

// under narrows changes, which are in key order, to those whose key has the prefix: they are neighbours, so the result
// shares memory with the argument.
func under(changes []Change, prefix string) []Change {
	from := 0
	for from < len(changes) && !strings.HasPrefix(changes[from].Key, prefix) {
		from++
	}
	to := from
	for to < len(changes) && strings.HasPrefix(changes[to].Key, prefix) {
		to++
	}
	return changes[from:to:to]
}

// drop ends a watcher; the caller holds the lock.
func (h *hub) drop(w *watcher) {
	if _, ok := h.watchers[w]; ok {
		delete(h.watchers, w)
		w.stop()
		close(w.ch)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.cutOff()
}

// restart cuts all watchers off, since commits were missed. New ones are taken.
func (h *hub) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cutOff()
}

func (h *hub) cutOff() {
	for w := range h.watchers {
		h.drop(w)
	}
}
