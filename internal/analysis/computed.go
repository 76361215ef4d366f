package analysis

import (
	"net/netip"
	"slices"

	"portolan/routing"
)

// Computed is the tables of a network as the questions read them.
type Computed struct{ *routing.Tables }

// Compute computes a network and makes it ready for questions.
func Compute(network *routing.Network) (*Net, *Computed, error) {
	tables, err := routing.Compute(*network)
	if err != nil {
		return nil, nil, err
	}
	c := Read(tables)
	return New(network, c), c, nil
}

// Read makes computed tables ready for questions.
func Read(tables *routing.Tables) *Computed {
	return &Computed{tables}
}

// IDs are all tables.
func (c *Computed) IDs() []routing.TableID { return c.TableIDs() }

// Routes are the rows of a table, none when there is no such table. They are made anew each time: all rows of all tables
// together may not fit into memory.
func (c *Computed) Routes(id routing.TableID) []routing.Route {
	table, ok := c.Table(id)
	if !ok {
		return nil
	}
	return slices.Collect(table.Routes())
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
