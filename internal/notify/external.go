package notify

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/state"
	"portolan/internal/turns"
)

// What hangs on registered transit gateways, and whether the tunnels of VPN connections are up, changes without anybody
// calling us. So it is looked at now and then; the events are what differs from what was seen the last time, which is
// stored in the transaction of the events. A gateway that is new in a global network brings what it has without events.

// externalSeen is when and at what the catalog was looked at last.
type externalSeen struct {
	mu      sync.Mutex
	at      time.Time
	version uint64
}

// publishExternalSoon is publishExternal for who is about to read events, unless it has just been done. Of an endpoint they
// read what the last look has published: to ask takes too long.
func (n *Notifier) publishExternalSoon(ctx context.Context) {
	if n.catalog == nil || n.catalog.Remote() {
		return
	}
	n.external.mu.Lock()
	fresh := n.external.version == n.networks.CatalogVersion() && catalog.Within(n.db.Now(), n.external.at, fileInterval)
	n.external.mu.Unlock()
	if !fresh {
		n.publishExternal(ctx)
	}
}

// publishExternal publishes what has changed outside for every global network.
func (n *Notifier) publishExternal(ctx context.Context) {
	n.external.mu.Lock()
	defer n.external.mu.Unlock()
	n.external.at, n.external.version = n.db.Now(), n.networks.CatalogVersion()
	scopes, err := state.Look(ctx, n.db, func(v *state.View) (list []scope, _ error) {
		for account := range v.Accounts() {
			list = append(list, scopes(v, account)...)
		}
		return list, nil
	})
	for i := range scopes {
		if err == nil {
			err = n.publishScope(ctx, &scopes[i])
		}
	}
	if err != nil && ctx.Err() == nil {
		n.log.Error("what changed outside was not published", "error", err)
	}
}

// scope is what there is to look at for a global network.
type scope struct {
	id, arn, account string // of the global network
	gateways         []string
	network          *state.CoreNetwork           // nil: none
	attached         map[string]*state.Attachment // Site-to-Site VPN attachments
	held             map[string]map[string]bool   // outside addresses of their tunnels whose BGP sessions a server holds, which publishes them
	seen             *state.External
	tables           map[string]*state.ExternalTable // as they were published
}

// scopes is what there is to look at, and what was, in the global networks of an account.
func scopes(v *state.View, account string) []scope {
	found := map[string]*scope{}
	of := func(gn string) *scope {
		if found[gn] == nil {
			seen, ok := state.Externals.Get(v, state.Externals.Key(account, gn))
			if !ok {
				seen = &state.External{}
			}
			found[gn] = &scope{id: gn, account: account, attached: map[string]*state.Attachment{}, held: map[string]map[string]bool{}, seen: seen, tables: readTables(v, account, gn)}
		}
		return found[gn]
	}
	for gn := range v.ExternalNetworks(account) {
		of(gn)
	}
	for _, gn := range state.GlobalNetworks.Rows(v, state.GlobalNetworks.Of(account), "") {
		for _, r := range state.TransitGatewayRegistrations.Rows(v, state.TransitGatewayRegistrations.Live(account, gn.GlobalNetworkId), "") {
			if r.State.Code != api.TransitGatewayRegistrationStateDeleting {
				s := of(gn.GlobalNetworkId)
				s.arn, s.gateways = gn.GlobalNetworkArn, append(s.gateways, r.TransitGatewayArn)
			}
		}
	}
	for _, network := range state.CoreNetworks.Rows(v, state.CoreNetworks.Of(account), "") {
		for _, a := range state.Attachments.Rows(v, state.Attachments.In(account, network.CoreNetworkId), "") {
			if a.AttachmentType == api.AttachmentTypeSiteToSiteVpn && a.IsBuilt() {
				s := of(network.GlobalNetworkId)
				s.arn, s.network, s.attached[a.AttachmentId] = state.Sibling(network.CoreNetworkArn, "global-network", network.GlobalNetworkId), network, a
				if b, ok := a.BGP(v); ok {
					s.held[a.AttachmentId] = b.OutsideIPs()
				}
			}
		}
	}
	var list []scope
	for _, gn := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[gn])
	}
	return list
}

// readTables reads what was published of the tables of a global network.
func readTables(v *state.View, account, gn string) map[string]*state.ExternalTable {
	tables := map[string]*state.ExternalTable{}
	for _, row := range state.ExternalTables.Rows(v, state.ExternalTables.In(account, gn), "") {
		tables[row.ARN] = row
	}
	return tables
}

// publishScope looks and publishes for one global network.
func (n *Notifier) publishScope(ctx context.Context, s *scope) error {
	next := n.lookAt(ctx, s)
	tables := map[string]*state.ExternalTable{}
	if !n.quiet {
		var err error
		if tables, err = n.lookAtTables(ctx, s); err != nil {
			return err
		}
	}
	if next.Number = s.seen.Number; !reflect.DeepEqual(next, s.seen) || !reflect.DeepEqual(tables, s.tables) {
		err := state.Record(ctx, n.db, func(tx *state.Txn) error {
			seen, ok := state.Externals.Get(tx.View, state.Externals.Key(s.account, s.id))
			if !ok {
				seen = &state.External{}
			}
			is := *next
			is.Number = max(is.Number, seen.Number)
			p := externalPublisher{tx: tx, scope: s}
			p.publish(seen, &is)
			p.tables(seen, &is, readTables(tx.View, s.account, s.id), tables)
			if len(is.Gateways) > 0 || len(is.Attached) > 0 {
				state.Externals.Put(tx, state.Externals.Key(s.account, s.id), &is)
			} else if ok {
				state.Externals.Delete(tx, state.Externals.Key(s.account, s.id))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return n.deregisterDeleted(ctx, s, next)
}

// deregisterDeleted ends the registrations of transit gateways that were deleted in EC2.
func (n *Notifier) deregisterDeleted(ctx context.Context, s *scope, next *state.External) error {
	owner, _ := state.ParseARN(s.arn)
	ctx = turns.Exempt(api.WithCaller(ctx, api.Caller{Account: s.account, Partition: owner.Partition}))
	for _, arn := range s.gateways {
		if next.Gateways[arn].Missing && n.deregister != nil {
			if err := n.deregister(ctx, s.id, arn); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing tells an error of the catalog that says there is no such thing from one that says nothing.
func missing(err error) (missing bool, failure error) {
	if errors.Is(err, catalog.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// lookAt asks the catalog. What cannot be asked about now is as it was seen last.
func (n *Notifier) lookAt(ctx context.Context, s *scope) *state.External {
	next := &state.External{}
	vpn := func(arn string, before state.ExternalVPN, had bool) (state.ExternalVPN, bool) {
		found, err := n.catalog.VPNConnection(ctx, arn)
		switch gone, failure := missing(err); {
		case failure != nil:
			return before, had
		case gone:
			return state.ExternalVPN{ARN: arn}, had // not torn down by us, and down
		}
		return n.seenVPN(ctx, found), true
	}
	for _, arn := range s.gateways {
		before, had := s.seen.Gateways[arn]
		gateway, err := n.catalog.TransitGateway(ctx, arn)
		gone, failure := missing(err)
		now := before
		switch {
		case failure != nil && !had:
			continue
		case failure != nil:
		case gone || gateway.State == "deleted":
			now = state.ExternalGateway{Missing: true}
		default:
			now = state.ExternalGateway{Attachments: map[string]state.ExternalAttachment{}}
			for i := range gateway.Attachments {
				a := &gateway.Attachments[i]
				now.Attachments[a.ARN] = state.ExternalAttachment{Type: a.ResourceType, Resource: a.ResourceARN, RouteTable: a.RouteTableARN}
				if a.ResourceType == "vpn" && a.ResourceARN != "" {
					was, known := before.VPNs[a.ARN]
					if seen, ok := vpn(a.ResourceARN, was, known); ok {
						if now.VPNs == nil {
							now.VPNs = map[string]state.ExternalVPN{}
						}
						now.VPNs[a.ARN] = seen
					}
				}
			}
			for i := range gateway.ConnectPeers {
				now.ConnectPeers = append(now.ConnectPeers, gateway.ConnectPeers[i].ARN)
			}
			slices.Sort(now.ConnectPeers)
			if len(now.Attachments) == 0 {
				now.Attachments = nil // as it is read back
			}
		}
		if next.Gateways == nil {
			next.Gateways = map[string]state.ExternalGateway{}
		}
		next.Gateways[arn] = now
	}
	for id, a := range s.attached {
		was, had := s.seen.Attached[id]
		if seen, ok := vpn(a.ResourceArn, was, had); ok {
			if next.Attached == nil {
				next.Attached = map[string]state.ExternalVPN{}
			}
			next.Attached[id] = s.withoutBGP(id, seen)
		}
	}
	return next
}

// withoutBGP is a VPN connection without what the catalog says of the BGP sessions that a server holds.
func (s *scope) withoutBGP(id string, v state.ExternalVPN) state.ExternalVPN {
	if held := s.held[id]; len(held) > 0 {
		v.Tunnels = maps.Clone(v.Tunnels)
		for address, t := range v.Tunnels {
			t.BGP = t.BGP && !held[address]
			v.Tunnels[address] = t
		}
	}
	return v
}

func (n *Notifier) seenVPN(ctx context.Context, v *catalog.VPNConnection) state.ExternalVPN {
	seen := state.ExternalVPN{ARN: v.ARN, CustomerGateway: v.CustomerGatewayARN, Static: v.Static()}
	if customer, err := n.catalog.CustomerGateway(ctx, v.CustomerGatewayARN); err == nil {
		seen.PeerASN = customer.ASN
	}
	for i := range v.Tunnels {
		if seen.Tunnels == nil {
			seen.Tunnels = map[string]state.ExternalTunnel{}
		}
		t := &v.Tunnels[i]
		seen.Tunnels[t.OutsideIP.String()] = state.ExternalTunnel{IPsec: !t.IPsecDown(), BGP: t.Up && !seen.Static}
	}
	return seen
}

// externalPublisher writes the events of one look.
type externalPublisher struct {
	tx    *state.Txn
	scope *scope
}

func (p *externalPublisher) emit(detailType string, d externalDetail, resource string) {
	p.tx.EmitAs(p.scope.account, detailType, &d, []string{p.scope.arn, resource})
}
