package analysis

import (
	"fmt"

	"portolan/internal/snapshot"
)

// sessions finds BGP sessions that are down, and routes heard on sessions that are not used. A file, and a server without
// --bgp, has none.
func (d *doctor) sessions() {
	for i := range d.inventory.list {
		a := &d.inventory.list[i]
		d.sessionsOf(a.ID, a.Sessions, a.Overridden)
		for _, p := range a.Peers {
			d.sessionsOf(p.ID, p.Sessions, p.Overridden)
		}
	}
}

func (d *doctor) sessionsOf(id string, list []snapshot.Session, overridden int) {
	for _, s := range list {
		if s.Up {
			continue
		}
		text := fmt.Sprintf("the BGP session of %s with core network address %s is down", id, s.CoreNetworkAddress)
		if s.Reason != "" {
			text += ": " + s.Reason
		}
		d.add(CheckSessionDown, "", Instance{Subjects: []string{id}, Message: text})
	}
	if overridden > 0 {
		d.add(CheckOverridden, "", Instance{
			Subjects: []string{id},
			Message:  fmt.Sprintf("routes that were put for %s take the place of %d routes that its router advertises over BGP", id, overridden),
		})
	}
}
