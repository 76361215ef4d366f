package bgp

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"portolan/internal/order"
	"portolan/internal/prefixmap"
)

// Export is a set of routes that sessions advertise. A change is encoded once, not once a session. A session that is
// slow does not hold the others up, nor does what it has missed pile up: once the log no longer has its next change it is
// given the current state.
type Export struct {
	mu      sync.Mutex
	routes  prefixmap.Map[exported]
	six     int                  // of them IPv6
	attrs   map[string]*interned // by Attributes.appendKey
	key     []byte
	version uint64
	log     []*batch // ascending versions without a gap, up to version
	logged  int      // changes in log
	keep    int      // of them at least
	full    *batch   // all routes, at a version from which log goes on
	gone    map[netip.Prefix]withdrawn
	feeds   map[*feed]struct{}
}

// exported is a route without its prefix.
type exported struct {
	*interned
	source Source
}

// interned is attributes that are shared by routes.
type interned struct {
	attrs *Attributes
	used  int
}

// withdrawn is a route that some session may still have been advertised.
type withdrawn struct {
	version uint64
	source  Source
}

// batch is changes that are encoded together, in the way of peers with and without four-octet AS numbers.
type batch struct {
	version uint64
	changes []exportChange
	once    [2]sync.Once
	encoded [2]encoding
}

// exportChange is a route and what it was before; without attributes there is none.
type exportChange struct {
	Route
	before       Source
	beforeExists bool
}

// minLog is how many changes are kept at least for sessions that are behind.
const minLog = 1024

// NewExport is an export without routes.
func NewExport() *Export {
	return &Export{keep: minLog, attrs: map[string]*interned{}, gone: map[netip.Prefix]withdrawn{}, feeds: map[*feed]struct{}{}}
}

// Update changes routes; one without attributes is withdrawn. Prefixes must be masked. It returns how many routes have
// changed.
func (x *Export) Update(changes []Route) int {
	x.mu.Lock()
	b := x.apply(changes)
	var wake []*feed
	if b != nil {
		wake = slices.Collect(maps.Keys(x.feeds))
	}
	x.mu.Unlock()
	for _, f := range wake {
		f.wake()
	}
	if b == nil {
		return 0
	}
	return len(b.changes)
}

// Replace makes routes all that is advertised, and returns how many have changed.
func (x *Export) Replace(routes []Route) int {
	keep := make(map[netip.Prefix]struct{}, len(routes))
	for i := range routes {
		keep[routes[i].Prefix] = struct{}{}
	}
	changes := slices.Clone(routes)
	x.mu.Lock()
	for p := range x.routes.All() {
		if _, ok := keep[p]; !ok {
			changes = append(changes, Route{Prefix: p})
		}
	}
	x.mu.Unlock()
	return x.Update(changes)
}

// Len is the number of routes of some families.
func (x *Export) Len(set Family) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if set&IPv4 != 0 {
		n += x.routes.Len() - x.six
	}
	if set&IPv6 != 0 {
		n += x.six
	}
	return n
}

// Routes is what is advertised to a session of the source, in order of prefix; 0 gets all.
func (x *Export) Routes(self Source) []Route {
	x.mu.Lock()
	list := make([]Route, 0, x.routes.Len())
	for p, r := range x.routes.All() {
		if self == 0 || r.source != self {
			list = append(list, Route{p, r.attrs, r.source})
		}
	}
	x.mu.Unlock()
	order.Sort(list, func(a, b Route) int { return a.Prefix.Compare(b.Prefix) })
	return list
}

// apply changes the routes and logs what has changed; nil: nothing has.
func (x *Export) apply(changes []Route) *batch {
	b := &batch{version: x.version + 1}
	for _, c := range changes {
		before, exists := x.routes.Get(c.Prefix)
		six := 0
		if c.Prefix.Addr().Is6() {
			six = 1
		}
		if c.Attrs == nil {
			if !exists {
				continue
			}
			x.routes.Delete(c.Prefix)
			x.six -= six
			x.gone[c.Prefix] = withdrawn{b.version, before.source}
		} else {
			x.key = c.Attrs.appendKey(x.key[:0])
			in := x.attrs[string(x.key)]
			if exists && in != nil && before.interned == in && before.source == c.Source {
				continue
			}
			if in == nil {
				in = &interned{attrs: c.Attrs}
				x.attrs[string(x.key)] = in
			}
			in.used++
			c.Attrs = in.attrs
			x.routes.Set(c.Prefix, exported{in, c.Source})
			if !exists {
				x.six += six
			}
			delete(x.gone, c.Prefix)
		}
		if exists {
			x.forget(before.interned)
		}
		b.changes = append(b.changes, exportChange{c, before.source, exists})
	}
	b.compact()
	if len(b.changes) == 0 {
		return nil
	}
	x.version = b.version
	x.log = append(x.log, b)
	x.logged += len(b.changes)
	for len(x.log) > 1 && x.logged > max(x.keep, x.routes.Len()) {
		x.dropOldest()
	}
	x.prune()
	return b
}

// dropOldest forgets the first batch of the log, and all routes as they were encoded before it.
func (x *Export) dropOldest() {
	x.logged -= len(x.log[0].changes)
	if x.full != nil && x.full.version < x.log[0].version {
		x.full = nil
	}
	x.log = slices.Delete(x.log, 0, 1)
}

// passed forgets large batches that all sessions have.
func (x *Export) passed() {
	for x.logged > x.keep {
		for f := range x.feeds {
			if f.version < x.log[0].version {
				return
			}
		}
		x.dropOldest()
	}
}

// compact puts the changes in order of prefix, one for each.
func (b *batch) compact() {
	slices.SortStableFunc(b.changes, func(p, q exportChange) int { return p.Prefix.Compare(q.Prefix) })
	kept := b.changes[:0]
	for _, c := range b.changes {
		if n := len(kept); n > 0 && kept[n-1].Prefix == c.Prefix {
			kept[n-1].Route = c.Route
		} else {
			kept = append(kept, c)
		}
	}
	b.changes = slices.DeleteFunc(kept, func(c exportChange) bool { return c.Attrs == nil && !c.beforeExists })
}

// forget counts one route less for attributes.
func (x *Export) forget(in *interned) {
	if in.used--; in.used == 0 {
		x.key = in.attrs.appendKey(x.key[:0])
		delete(x.attrs, string(x.key))
	}
}

// prune forgets the withdrawn routes that no session is going to ask for: all have passed them, and so has the encoding of
// the whole, at whose version a session may begin again.
func (x *Export) prune() {
	oldest := x.version
	for f := range x.feeds {
		oldest = min(oldest, f.version)
	}
	if x.full != nil {
		oldest = min(oldest, x.full.version)
	}
	if len(x.gone) > 0 {
		maps.DeleteFunc(x.gone, func(_ netip.Prefix, w withdrawn) bool { return w.version <= oldest })
	}
}

// encoding is the changes on the wire.
func (b *batch) encoding(fourOctetAS bool) *encoding {
	i := 0
	if fourOctetAS {
		i = 1
	}
	b.once[i].Do(func() {
		e := encoder{fourOctetAS: fourOctetAS}
		var gone []withdrawal
		var routes []Route
		for _, c := range b.changes {
			switch {
			case c.Attrs == nil:
				gone = append(gone, withdrawal{c.Prefix, c.before, toOthers})
				continue
			case c.beforeExists && c.before != c.Source && c.Source != 0: // sessions of the new source have the old route
				gone = append(gone, withdrawal{c.Prefix, c.Source, toSource})
			}
			routes = append(routes, c.Route)
		}
		e.withdraw(gone)
		e.announce(routes)
		b.encoded[i] = e.encoding
	})
	return &b.encoded[i]
}

// all is a batch of all routes from which the log goes on.
func (x *Export) all() *batch {
	if x.full == nil {
		b := &batch{version: x.version, changes: make([]exportChange, 0, x.routes.Len())}
		for p, r := range x.routes.All() {
			b.changes = append(b.changes, exportChange{Route: Route{p, r.attrs, r.source}})
		}
		slices.SortFunc(b.changes, func(p, q exportChange) int { return p.Prefix.Compare(q.Prefix) })
		x.full = b
	}
	return x.full
}

// feed is how far one session has come with an Export. It belongs to the goroutine that writes to the session; version
// alone is shared, under the lock of the export.
type feed struct {
	x           *Export
	self        Source
	families    Family
	fourOctetAS bool
	nextHop4    netip.Addr
	nextHop6    netip.Addr
	wake        func()

	version uint64      // has everything up to here, in queue at least
	begun   bool        // something was sent
	again   bool        // all is to be sent once more
	queue   []*encoding // what is to be sent now
	at      int         // next message of the first of them
	tooLong int
}

// attach makes the feed one of the export's.
func (x *Export) attach(f *feed) {
	f.x = x
	x.mu.Lock()
	x.feeds[f] = struct{}{}
	f.version = x.version // nothing before is to be withdrawn
	x.mu.Unlock()
}

func (f *feed) detach() {
	f.x.mu.Lock()
	delete(f.x.feeds, f)
	f.x.mu.Unlock()
}

// succeed is a feed of another export in the place of f: what f has queued is sent, then what the session was advertised
// by f and is not by x is withdrawn.
func (f *feed) succeed(x *Export) *feed {
	next := &feed{
		self: f.self, families: f.families, fourOctetAS: f.fourOctetAS, nextHop4: f.nextHop4, nextHop6: f.nextHop6, wake: f.wake,
		queue: f.queue, at: f.at, tooLong: f.tooLong,
	}
	x.attach(next)
	old := f.x
	old.mu.Lock()
	delete(old.feeds, f)
	before := make([]netip.Prefix, 0, old.routes.Len()+len(old.gone))
	for p := range old.routes.All() {
		before = append(before, p)
	}
	for p := range old.gone {
		before = append(before, p)
	}
	old.mu.Unlock()
	var gone []withdrawal
	x.mu.Lock()
	for _, p := range before {
		if r, ok := x.routes.Get(p); !ok || f.self != 0 && r.source == f.self {
			gone = append(gone, withdrawal{p, 0, toAll})
		}
	}
	x.mu.Unlock()
	next.queueWithdrawals(gone)
	return next
}

func (f *feed) queueWithdrawals(gone []withdrawal) {
	if len(gone) > 0 {
		e := encoder{fourOctetAS: f.fourOctetAS}
		e.withdraw(gone)
		f.queue = append(f.queue, &e.encoding)
	}
}

// restart makes the feed advertise the current state once more.
func (f *feed) restart() { f.again = true }

// fill appends messages to buf until it has no room for another; whole says whether the session now has all there is.
func (f *feed) fill(buf []byte) (_ []byte, whole bool) {
	for {
		if len(f.queue) == 0 && !f.advance() {
			return buf, true
		}
		e := f.queue[0]
		for f.at < len(e.messages) {
			m := &e.messages[f.at]
			if m.isFor(f.families, f.self) {
				start := 0
				if f.at > 0 {
					start = e.messages[f.at-1].end
				}
				if len(buf)+m.end-start > cap(buf) {
					return buf, false
				}
				buf = append(buf, e.bytes[start:m.end]...)
				if m.nextHop != 0 {
					f.putNextHop(buf[len(buf)-(m.end-m.nextHop):], m.family)
				}
			}
			f.at++
		}
		f.queue, f.at = f.queue[1:], 0
	}
}

func (f *feed) putNextHop(b []byte, family Family) {
	if family == IPv4 {
		a := f.nextHop4.As4()
		copy(b, a[:])
		return
	}
	a := f.nextHop6.As16()
	copy(b, a[:])
}

// advance queues what comes next; false: the session is up to date.
func (f *feed) advance() bool {
	f.x.mu.Lock()
	var next *batch
	var gone []withdrawal
	x := f.x
	switch {
	case f.begun && !f.again && f.version == x.version:
		x.mu.Unlock()
		return false
	case f.begun && !f.again && len(x.log) > 0 && f.version+1 >= x.log[0].version:
		next = x.log[f.version+1-x.log[0].version]
	default: // anew, or too far behind: the current state, and what is no longer part of it
		next = x.all()
		if f.begun && f.version < next.version { // else the log says it
			gone = f.missed()
		}
		f.begun, f.again = true, false
	}
	f.version = next.version
	x.passed()
	x.mu.Unlock()
	f.queueWithdrawals(gone)
	e := next.encoding(f.fourOctetAS)
	f.tooLong = max(f.tooLong, e.tooLong)
	f.queue = append(f.queue, e)
	return true
}

// missed is what the session may have been advertised and is to have no longer.
func (f *feed) missed() (gone []withdrawal) {
	for p, w := range f.x.gone {
		if w.version > f.version {
			gone = append(gone, withdrawal{p, 0, toAll})
		}
	}
	for p, r := range f.x.routes.All() {
		if f.self != 0 && r.source == f.self {
			gone = append(gone, withdrawal{p, 0, toAll})
		}
	}
	return gone
}

// messageCount is the number of messages in a buffer that fill has filled.
func messageCount(b []byte) (n int) {
	for len(b) >= headerSize {
		b = b[binary.BigEndian.Uint16(b[markerSize:]):]
		n++
	}
	return n
}
