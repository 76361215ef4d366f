package analysis

import "fmt"

// sessions finds BGP sessions that are down, and routes heard on sessions that are not used. A file, and a server without
// --bgp, has none.
func (d *doctor) sessions() {
	for i := range d.inventory.list {
		for _, p := range d.inventory.list[i].Peers {
			for _, s := range p.Sessions {
				if s.Up {
					continue
				}
				text := fmt.Sprintf("the BGP session of %s with core network address %s is down", p.ID, s.CoreNetworkAddress)
				if s.Reason != "" {
					text += ": " + s.Reason
				}
				d.add(CheckSessionDown, "", Instance{Subjects: []string{p.ID}, Message: text})
			}
			if p.Overridden > 0 {
				d.add(CheckOverridden, "", Instance{
					Subjects: []string{p.ID},
					Message:  fmt.Sprintf("routes that were put for %s take the place of %d routes that its router advertises over BGP", p.ID, p.Overridden),
				})
			}
		}
	}
}
