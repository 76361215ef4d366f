package analysis

import (
	"net/netip"
	"slices"
	"sync"

	"portolan/routing"
)

// Computed is the tables of a network as the questions read them. A table's rows are made once.
type Computed struct {
	*routing.Tables

	mu     sync.Mutex
	routes map[routing.TableID][]routing.Route
}

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
	return &Computed{Tables: tables, routes: map[routing.TableID][]routing.Route{}}
}

// IDs are all tables.
func (c *Computed) IDs() []routing.TableID { return c.TableIDs() }

// Routes are the rows of a table, none when there is no such table.
func (c *Computed) Routes(id routing.TableID) []routing.Route {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, ok := c.routes[id]
	if !ok {
		if table, exists := c.Table(id); exists {
			rows = slices.Collect(table.Routes())
		}
		c.routes[id] = rows
	}
	return rows
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
