package analysis

import (
	"errors"
	"iter"
	"net/netip"

	"portolan/routing"
)

// Computed is the tables of a network as the questions read them.
type Computed struct{ *routing.Tables }

// Compute computes a network and makes it ready for questions. It fails as [routing.Compute] does: with an
// OscillationError the tables are there.
func Compute(network *routing.Network) (*Net, *Computed, error) {
	tables, err := routing.Compute(*network)
	if tables == nil {
		return nil, nil, err
	}
	c := Read(tables)
	n := New(network, c)
	_ = errors.As(err, &n.unsettled)
	return n, c, err
}

// Read makes computed tables ready for questions.
func Read(tables *routing.Tables) *Computed {
	return &Computed{tables}
}

// Forwards are the rows of a table, in the order of prefixes; none when there is no such table.
func (c *Computed) Forwards(id routing.TableID) iter.Seq[routing.Forward] {
	table, _ := c.Table(id)
	return table.Forwards()
}

// Route is the row of a prefix.
func (c *Computed) Route(id routing.TableID, prefix netip.Prefix) (routing.Route, bool) {
	table, _ := c.Table(id)
	return table.Exact(prefix)
}

// Lookup is the row that traffic to an address uses.
func (c *Computed) Lookup(id routing.TableID, addr netip.Addr) (*routing.Route, bool) {
	table, ok := c.Table(id)
	if !ok {
		return nil, false
	}
	r, ok := table.LookupAddr(addr)
	return &r, ok
}
