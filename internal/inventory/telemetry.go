package inventory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"portolan/api"
	"portolan/internal/state"
)

// Monitored is a resource whose health can be asked for: a Connect peer, or a VPN connection, of which the catalog knows.
type Monitored struct {
	key      string
	resource api.NetworkResource
	sessions []session // of a Connect peer; of a VPN connection those that a server holds
}

// session is a BGP session by the address of the core network, or of the tunnel.
type session struct {
	address string
	up      bool
	since   time.Time
}

// Monitored lists the resources of the filter that have telemetry, in their order.
func (in *Inventory) Monitored(f *Filter) (list []Monitored) {
	for _, resourceType := range []string{"connect-peer", "vpn-connection"} {
		if !wanted(f.ResourceType, resourceType) {
			continue
		}
		one := *f
		one.ResourceType = &resourceType
		for key, item := range in.Walk(&one, "") {
			m := Monitored{key: key, resource: item.NetworkResource}
			if resourceType == "connect-peer" {
				in.sessions(&m)
			} else {
				in.tunnels(&m)
			}
			list = append(list, m)
		}
	}
	return list
}

// sessions reads the sessions of a Connect peer. Where no server holds them they count as up while something is announced
// for the peer.
func (in *Inventory) sessions(m *Monitored) {
	peer, ok := state.ConnectPeers.ByID(in.View, m.resource.ResourceId)
	if !ok || peer.Configuration == nil {
		return
	}
	if held, ok := peer.Sessions(in.View); ok {
		for _, s := range held {
			m.sessions = append(m.sessions, session{s.CoreNetworkAddress, s.Up, s.Since.Time})
		}
		return
	}
	set, up := state.Announcements.Get(in.View, state.Announcements.Key(peer.OwnerAccountId, peer.CoreNetworkId, peer.ConnectPeerId))
	up = up && peer.State == api.ConnectPeerStateAvailable
	since := peer.CreatedAt.Time
	if up {
		since = set.UpdatedAt.Time
	}
	for _, b := range peer.Configuration.BgpConfigurations {
		m.sessions = append(m.sessions, session{b.CoreNetworkAddress, up, since})
	}
}

// tunnels reads the sessions in the tunnels of a VPN connection.
func (in *Inventory) tunnels(m *Monitored) {
	for _, a := range state.Attachments.Rows(in.View, state.Attachments.OfResource(m.resource.ResourceArn), "") {
		if held, ok := a.BGP(in.View); ok {
			for _, s := range held.Sessions {
				m.sessions = append(m.sessions, session{s.Tunnel.OutsideIP, s.Up, s.Since.Time})
			}
		}
	}
}

// Telemetry walks the records of resources. The key of a record is its resource's and its number. The catalog is asked
// about a VPN connection when its records are reached.
func (x *External) Telemetry(ctx context.Context, list []Monitored, after string) iter.Seq2[string, *api.NetworkTelemetry] {
	return func(yield func(string, *api.NetworkTelemetry) bool) {
		for i := range list {
			m := &list[i]
			for i, r := range x.health(ctx, m) {
				if at := fmt.Sprintf("%s %02d", m.key, i); at > after && !yield(at, &r) {
					return
				}
			}
		}
	}
}

func (x *External) health(ctx context.Context, m *Monitored) (list []api.NetworkTelemetry) {
	add := func(address string, kind api.ConnectionType, up bool, since time.Time) {
		health := &api.ConnectionHealth{Type: kind, Status: api.ConnectionStatusDown, Timestamp: api.Time{Time: since}}
		if up {
			health.Status = api.ConnectionStatusUp
		}
		r := &m.resource
		list = append(list, api.NetworkTelemetry{
			RegisteredGatewayArn: r.RegisteredGatewayArn, CoreNetworkId: r.CoreNetworkId, AwsRegion: r.AwsRegion, AccountId: r.AccountId,
			ResourceType: r.ResourceType, ResourceId: r.ResourceId, ResourceArn: r.ResourceArn, Address: address, Health: health,
		})
	}
	for _, s := range m.sessions {
		add(s.address, api.ConnectionTypeBgp, s.up, s.since)
	}
	if m.resource.ResourceType == "connect-peer" || x.catalog == nil {
		return list
	}
	vpn, err := x.catalog.VPNConnection(ctx, m.resource.ResourceArn)
	if err != nil {
		return list
	}
	for i := range vpn.Tunnels {
		tunnel := &vpn.Tunnels[i]
		since := time.Unix(tunnel.Since, 0).UTC()
		add(tunnel.OutsideIP.String(), api.ConnectionTypeIpsec, !tunnel.IPsecDown(), since)
		address := tunnel.OutsideIP.String()
		held := slices.ContainsFunc(m.sessions, func(s session) bool { return s.address == address })
		if !vpn.Static() && !held {
			add(address, api.ConnectionTypeBgp, tunnel.Up, since)
		}
	}
	return list
}
