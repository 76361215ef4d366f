package state

import (
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// The tables of a global network and its own objects.
var (
	GlobalNetworks = roots[*GlobalNetwork]{newTable(lifecycle.GlobalNetwork, func(r *GlobalNetwork) string { return string(r.State) }, store.Schema[*GlobalNetwork]{
		Name:  "global-network",
		Count: func(key string, _ *GlobalNetwork) string { return counter(key, 0) },
	})}
	Sites = Members[*Site]{newTable(lifecycle.Site, func(r *Site) string { return string(r.State) }, store.Schema[*Site]{
		Name:  "site",
		Count: func(key string, _ *Site) string { return counter(key, 1) },
	})}
	Devices = devices{Members[*Device]{newTable(lifecycle.Device, func(r *Device) string { return string(r.State) }, store.Schema[*Device]{
		Name:  "device",
		Count: func(key string, _ *Device) string { return counter(key, 1) },
		Indexes: []store.Index[*Device]{
			{Name: "site", Keys: func(key string, d *Device) []string { return entry(key, "site", 1, d.SiteId) }},
		},
	})}}
	Links = links{Members[*Link]{newTable(lifecycle.Link, func(r *Link) string { return string(r.State) }, store.Schema[*Link]{
		Name:  "link",
		Count: func(key string, _ *Link) string { return counter(key, 1) },
		Indexes: []store.Index[*Link]{
			{Name: "site", Keys: func(key string, l *Link) []string { return entry(key, "site", 1, l.SiteId) }},
			{Name: "type", Keys: func(key string, l *Link) []string { return entry(key, "type", 1, l.Type) }},
			{Name: "provider", Keys: func(key string, l *Link) []string { return entry(key, "provider", 1, l.Provider) }},
		},
	})}}
	Connections = users[*Connection]{Members[*Connection]{newTable(lifecycle.Connection, func(r *Connection) string { return string(r.State) }, store.Schema[*Connection]{
		Name:  "connection",
		Count: func(key string, _ *Connection) string { return counter(key, 1) },
		Indexes: []store.Index[*Connection]{
			{Name: "device", Keys: func(key string, c *Connection) []string {
				return append(entry(key, "device", 1, c.DeviceId), entry(key, "device", 1, c.ConnectedDeviceId)...)
			}},
			{Name: "link", Keys: func(key string, c *Connection) []string {
				return append(entry(key, "link", 1, c.LinkId), entry(key, "link", 1, c.ConnectedLinkId)...)
			}},
			{Name: "device-link", Keys: func(key string, c *Connection) []string {
				return append(entry(key, "device-link", 1, c.DeviceId, c.LinkId), entry(key, "device-link", 1, c.ConnectedDeviceId, c.ConnectedLinkId)...)
			}},
		},
	})}}
)

type devices struct{ Members[*Device] }

// AtSite are the devices at a site.
func (t *devices) AtSite(account, gn, site string) Range[*Device] {
	return t.index(account, "site", gn, site)
}

type links struct{ Members[*Link] }

// AtSite are the links of a site.
func (t *links) AtSite(account, gn, site string) Range[*Link] {
	return t.index(account, "site", gn, site)
}

// OfType are the links of a type.
func (t *links) OfType(account, gn, linkType string) Range[*Link] {
	return t.index(account, "type", gn, linkType)
}

// OfProvider are the links of a provider.
func (t *links) OfProvider(account, gn, provider string) Range[*Link] {
	return t.index(account, "provider", gn, provider)
}

// users are rows that use a device, a link, or a link on a device.
type users[R any] struct{ Members[R] }

// Using are the rows that use a device or a link, or both where both are given.
func (t *users[R]) Using(account, gn, device, link string) Range[R] {
	switch {
	case link == "":
		return t.index(account, "device", gn, device)
	case device == "":
		return t.index(account, "link", gn, link)
	default:
		return t.index(account, "device-link", gn, device, link)
	}
}
