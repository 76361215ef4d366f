package state

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"portolan/internal/store"
)

// ids makes AWS-shaped ids: a prefix and 17 hexadecimal digits, the first of them 0. The digits grow with time, so
// that the order of keys is the order of creation and a list needs no second index. Of each account the last one is
// kept: a clock that goes back, also over a restart, does not put what is new before what is old.
//
// Where several servers share a store that key would be written by all of them with every creation, and each would wait for
// the others. There each server has a number of its own in the random digits instead, and what it gives out grows.
type ids struct {
	now    func() time.Time
	slot   func() uint64 // nil: the store is this server's own
	mu     sync.Mutex
	random rand.Source
	last   uint64
}

const randomBits = 20

// next is a number that is larger than every one before and than floor.
func (g *ids) next(floor uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	random, slot := uint64(randomBits), uint64(0)
	if g.slot != nil {
		random -= store.SlotBits
		slot = g.slot() << random
	}
	n := uint64(g.now().UnixMilli())<<randomBits | slot | g.random.Uint64()&(1<<random-1)
	floor = max(floor, g.last)
	if n <= floor && g.slot == nil {
		n = floor + 1 + g.random.Uint64()&0xff
	}
	if n <= floor { // the same digits of the server, at a later millisecond
		n += (floor-n)>>randomBits<<randomBits + 1<<randomBits
	}
	g.last = n
	return n
}

// lastIDKey is where the number of the last id of an account is kept.
func lastIDKey(account string) string { return accountKey(account, "last-id") }

// NewID is an id that no resource has, larger than those that the account has had.
func (tx *Txn) NewID(kind string) string { return fmt.Sprintf("%s-0%016x", kind, tx.number()) }

func (tx *Txn) number() uint64 {
	if tx.db.ids.slot != nil {
		return tx.db.ids.next(0)
	}
	key := lastIDKey(tx.Caller.Account)
	var floor uint64
	if raw, ok := tx.w.Get(key); ok {
		var err error
		if floor, err = strconv.ParseUint(string(raw), 10, 64); err != nil {
			tx.fail(fmt.Errorf("the last id of account %s: %w", tx.Caller.Account, err))
		}
	}
	n := tx.db.ids.next(floor)
	tx.w.Set(key, strconv.AppendUint(nil, n, 10))
	return n
}

// NewUUID is a random-looking id in the form of a UUID.
func (tx *Txn) NewUUID() string {
	text := strings.TrimPrefix(tx.NewID("x"), "x-0")
	g := tx.db.ids
	g.mu.Lock()
	more := g.random.Uint64()
	g.mu.Unlock()
	return fmt.Sprintf("%s-%s-8%03x-8%03x-%012x", text[:8], text[8:12], more>>52, more>>40&0xfff, more&0xffffffffffff)
}
