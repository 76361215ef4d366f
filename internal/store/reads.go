package store

import (
	"sync"

	"go.etcd.io/bbolt"
)

// idleReads keeps read transactions of bbolt between two Views, with the cursors they have made: beginning one costs as
// much as a short read. All are of the latest commit. While a write transaction is open none is kept, since bbolt waits for
// the end of every read before it maps the file anew, and gives no page back that one of them might read.
type idleReads struct {
	mu     sync.Mutex
	writes uint64 // how many write transactions have begun
	open   bool   // no write transaction is open
	idle   []*readTx
}

// readTx is one read transaction as a tree.
type readTx struct {
	tx     *bbolt.Tx
	tree   *boltTree
	writes uint64 // idleReads.writes when it began
	kept   bool   // it may be kept: no write transaction was open when it began
}

const maxIdleReads = 32

// begin is an idle transaction, or a new one.
func (p *idleReads) begin(fresh func() (*bbolt.Tx, error)) (*readTx, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		t := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return t, nil
	}
	t := &readTx{writes: p.writes, kept: p.open}
	p.mu.Unlock()
	var err error
	if t.tx, err = fresh(); err != nil {
		return nil, err
	}
	return t, nil
}

// end gives a transaction back. sound is false for one that met damage.
func (p *idleReads) end(t *readTx, sound bool) {
	p.mu.Lock()
	keep := sound && t.kept && p.open && t.writes == p.writes && len(p.idle) < maxIdleReads
	if keep {
		p.idle = append(p.idle, t)
	}
	p.mu.Unlock()
	if !keep {
		_ = t.tx.Rollback()
	}
}

// stop ends the idle transactions and keeps none from now on.
func (p *idleReads) stop() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.open = nil, false
	p.writes++
	p.mu.Unlock()
	for _, t := range idle {
		_ = t.tx.Rollback()
	}
}

// resume lets transactions be kept again.
func (p *idleReads) resume() {
	p.mu.Lock()
	p.open = true
	p.mu.Unlock()
}
