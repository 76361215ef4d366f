package service

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/store"
	"portolan/routing"
)

// announcementsRow is what an attachment or a Connect peer announces: the content of a BGP session that nobody holds
// with this server.
type announcementsRow struct {
	ID            string
	CoreNetworkId string
	UpdatedAt     api.Time
	Announcements []routing.Announcement
}

// announcementSets holds announcementsRow by /acct/OWNER/announcements/CN/ID, below the core network's owner.
var announcementSets = store.NewTable(store.Schema[announcementsRow]{
	Name: "announcements",
	Touch: func(key string, r *announcementsRow) string {
		return routingGeneration(accountOf(key), r.CoreNetworkId)
	},
})

// routingGeneration is the key of what moves whenever the routes of a core network may have changed.
func routingGeneration(account, coreNetwork string) string {
	return accountKey(account, "routing-generation", coreNetwork)
}

const (
	maxAnnouncements = 10_000 // routes of a core network on AWS
	maxASPath        = 255
	maxCommunities   = 255
)

// PutAnnouncements sets all that an attachment or a Connect peer announces; an empty list takes everything back. Who
// owns the core network may say it, and who owns the attachment.
func (s *Service) PutAnnouncements(ctx context.Context, id string, list []routing.Announcement) error {
	_, err := update(ctx, s.env, func(tx *Txn) (*struct{}, error) {
		owner, coreNetwork, edges, err := findSpeaker(tx.View, id)
		if err != nil {
			return nil, err
		}
		if err := checkAnnouncements(list, edges); err != nil {
			return nil, err
		}
		key := accountKey(owner, "announcements", coreNetwork, id)
		_, before := announcementSets.Get(tx.r, key)
		if peer, ok := byID(tx.r, connectPeers, id); ok && before != (len(list) > 0) {
			// Nobody holds a BGP session with this server: a peer is up when it announces something.
			connectPeerStatus(tx, peer, len(list) > 0)
		}
		if len(list) == 0 {
			announcementSets.Delete(tx.w, key)
			return &struct{}{}, nil
		}
		row := announcementsRow{ID: id, CoreNetworkId: coreNetwork, UpdatedAt: api.Time{Time: tx.now}, Announcements: slices.Clone(list)}
		for i := range row.Announcements {
			row.Announcements[i].Prefix = row.Announcements[i].Prefix.Masked()
		}
		announcementSets.Put(tx.w, key, &row)
		return &struct{}{}, nil
	})
	return err
}

// Announcements is what was put for an attachment or a Connect peer.
func (s *Service) Announcements(ctx context.Context, id string) ([]routing.Announcement, error) {
	return read(ctx, s.env, func(v *View) ([]routing.Announcement, error) {
		owner, coreNetwork, _, err := findSpeaker(v, id)
		if err != nil {
			return nil, err
		}
		if row, ok := announcementSets.Get(v.r, accountKey(owner, "announcements", coreNetwork, id)); ok {
			return row.Announcements, nil
		}
		return []routing.Announcement{}, nil
	})
}

// findSpeaker finds who announces: an attachment, or a peer of a Connect attachment.
func findSpeaker(v *View, id string) (owner, coreNetwork string, edges []string, err error) {
	if peer, ok := byID(v.r, connectPeers, id); ok {
		if _, err := findConnectPeer(v, id); err != nil {
			return "", "", nil, err
		}
		return peer.OwnerAccountId, peer.CoreNetworkId, []string{peer.EdgeLocation}, nil
	}
	row, err := findAttachment(v, id)
	if err != nil {
		return "", "", nil, err
	}
	return parseAccount(row.CoreNetworkArn), row.CoreNetworkId, row.edges(), nil
}

func checkAnnouncements(list []routing.Announcement, edges []string) error {
	if len(list) > maxAnnouncements {
		return api.InvalidField("announcements", fmt.Sprintf("Member must have length less than or equal to %d.", maxAnnouncements))
	}
	var fields []api.FieldError
	wrong := func(i int, member, message string) {
		fields = append(fields, api.FieldError{Name: fmt.Sprintf("announcements[%d].%s", i, member), Message: message})
	}
	for i := range list {
		a := &list[i]
		if !a.Prefix.IsValid() || a.Prefix.Addr().Is4In6() {
			wrong(i, "prefix", "Member must be an IPv4 or IPv6 prefix.")
		}
		if a.Edge != "" && !slices.Contains(edges, a.Edge) {
			wrong(i, "edge", "The attachment is not at this edge location.")
		}
		if len(a.ASPath) > maxASPath {
			wrong(i, "asPath", fmt.Sprintf("Member must have length less than or equal to %d.", maxASPath))
		}
		if slices.Contains(a.ASPath, 0) {
			wrong(i, "asPath", "AS 0 is reserved.")
		}
		if len(a.Communities) > maxCommunities {
			wrong(i, "communities", fmt.Sprintf("Member must have length less than or equal to %d.", maxCommunities))
		}
		if len(fields) > maxIDs {
			break
		}
	}
	return invalid(fields)
}

// announced is what an attachment offers: what was put for it and for its Connect peers, and what the catalog knows. What
// was put for an attachment itself takes the place of what the catalog says of its resource.
func announced(v *View, ctx context.Context, row *attachmentRow) []routing.Announcement {
	owner := parseAccount(row.CoreNetworkArn)
	get := func(id string) []routing.Announcement {
		if set, ok := announcementSets.Get(v.r, accountKey(owner, "announcements", row.CoreNetworkId, id)); ok {
			return set.Announcements
		}
		return nil
	}
	list := get(row.AttachmentId)
	if row.AttachmentType == api.AttachmentTypeConnect {
		for _, peer := range connectPeers.Scan(v.r, accountKey(owner, "connect-peer", row.AttachmentId)+"/", "") {
			if peer.State == api.ConnectPeerStateAvailable {
				list = slices.Concat(list, get(peer.ConnectPeerId))
			}
		}
		return list
	}
	if len(list) == 0 {
		var err error
		if list, err = v.refs.announced(ctx, row); errors.Is(err, catalog.ErrUnavailable) {
			v.unheard = true
		}
	}
	return list
}

// announced is what the catalog knows an attachment's resource to offer: the blocks of a VPC, the routes of a VPN
// connection, what the routers behind a Direct Connect gateway say, the routes of a transit gateway route table with the
// gateway's ASN in front. A catalog that cannot be asked announces nothing; the error says so.
func (r references) announced(ctx context.Context, row *attachmentRow) ([]routing.Announcement, error) {
	if r.catalog == nil {
		return nil, nil
	}
	var list []routing.Announcement
	add := func(p netip.Prefix, path ...uint32) {
		list = append(list, routing.Announcement{Prefix: p.Masked(), ASPath: path})
	}
	switch row.AttachmentType {
	case api.AttachmentTypeVpc:
		vpc, err := r.catalog.VPC(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, p := range vpc.CIDRs {
			if p.Addr().Is4() || row.VpcOptions != nil && val(row.VpcOptions.Ipv6Support) {
				add(p)
			}
		}
	case api.AttachmentTypeSiteToSiteVpn:
		vpn, err := r.catalog.VPNConnection(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, p := range vpn.StaticRoutes {
			add(p)
		}
		list = append(list, vpn.Announcements...)
	case api.AttachmentTypeDirectConnectGateway:
		gateway, err := r.catalog.DirectConnectGateway(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, a := range gateway.Announcements {
			if a.Edge == "" || slices.Contains(row.edges(), a.Edge) { // the gateway may be attached at fewer edges
				list = append(list, a)
			}
		}
	case api.AttachmentTypeTransitGatewayRouteTable:
		table, err := r.catalog.RouteTable(ctx, row.ResourceArn)
		if err != nil {
			return nil, err
		}
		gateway, err := r.catalog.TransitGateway(ctx, table.TransitGatewayARN)
		if err != nil {
			return nil, err
		}
		for _, route := range table.Routes {
			if route.State != "blackhole" {
				add(route.Prefix, append([]uint32{gateway.ASN}, route.ASPath...)...)
			}
		}
	}
	return list, nil
}
