package speaker

import (
	"portolan/internal/bgp"
	"portolan/routing"
)

// defaultLocalPref is the LOCAL_PREF of routes on iBGP sessions.
const defaultLocalPref = 100

// advertise makes the sessions of a peer advertise what tables say.
func (p *peer) advertise(tables *routing.Tables) {
	if tables == p.tables {
		return
	}
	old := p.tables
	p.tables = tables
	if changes, ok := tables.AdvertisedSince(old, p.id, p.edge); ok {
		routes := make([]bgp.Route, len(changes))
		for i := range changes {
			routes[i].Prefix = changes[i].Prefix
			if ad := changes[i].Advertisement; ad != nil {
				routes[i].Attrs = p.attributes(&ad.Attributes)
			}
		}
		p.export.Update(routes)
		return
	}
	list := tables.Advertised(p.id, p.edge)
	routes := make([]bgp.Route, len(list))
	for i := range list {
		routes[i] = bgp.Route{Prefix: list[i].Prefix, Attrs: p.attributes(&list[i].Attributes)}
	}
	p.export.Replace(routes)
}

// attributes are those of a route as it is sent. The next hop is the session's own.
func (p *peer) attributes(r *routing.Attributes) *bgp.Attributes {
	a := &bgp.Attributes{ASPath: r.ASPath, MED: r.MED, HasMED: true}
	if s := p.sessions[0]; s.local == s.remote {
		a.LocalPref, a.HasLocalPref = defaultLocalPref, true
	}
	for _, c := range r.Communities {
		a.Communities = append(a.Communities, uint32(c))
	}
	return a
}
