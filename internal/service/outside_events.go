package service

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/events"
	"portolan/internal/store"
)

// What hangs on registered transit gateways, and whether the tunnels of VPN connections are up, changes without anybody
// calling us. So it is looked at now and then; the events are what differs from what was seen the last time, which is
// stored in the transaction of the events. A gateway that is new in a global network brings what it has without events.

// outsideRow is what was seen outside for a global network.
type outsideRow struct {
	Gateways map[string]outsideGateway `json:",omitempty"` // by ARN
	Attached map[string]outsideVPN     `json:",omitempty"` // by the Site-to-Site VPN attachment of the core network
	Number   int64                     `json:",omitempty"` // the sequenceNumber of the last event about routes
}

type outsideGateway struct {
	Missing      bool                         `json:",omitempty"`
	Attachments  map[string]outsideAttachment `json:",omitempty"` // by ARN
	ConnectPeers []string                     `json:",omitempty"` // ARNs
	VPNs         map[string]outsideVPN        `json:",omitempty"` // by ARN of the attachment
}

type outsideAttachment struct{ Type, Resource, RouteTable string }

type outsideVPN struct {
	ARN, CustomerGateway string
	PeerASN              uint32
	Static               bool
	Tunnels              map[string]outsideTunnel `json:",omitempty"` // by outside address
}

type outsideTunnel struct{ IPsec, BGP bool }

var outsides = store.NewTable(store.Schema[outsideRow]{Name: "outside"})

// externalWatch is when and at what the catalog was looked at last.
type externalWatch struct {
	mu      sync.Mutex
	at      time.Time
	version uint64
}

// lookEvery is how often the catalog is looked at for changes.
func (s *env) lookEvery() time.Duration {
	if s.refs.catalog != nil && s.refs.catalog.Remote() {
		return catalogEC2Look
	}
	return catalogFileLook
}

// watchOutside tells of what changes outside until ctx ends.
func (s *env) watchOutside(ctx context.Context) {
	ticker := time.NewTicker(s.lookEvery())
	defer ticker.Stop()
	for {
		s.tellOutside(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tellOutsideSoon is tellOutside for who is about to read events, unless it has just been done. Of an endpoint they read
// what the last look has told: to ask takes too long.
func (s *env) tellOutsideSoon(ctx context.Context) {
	if s.refs.catalog == nil || s.refs.catalog.Remote() {
		return
	}
	s.external.mu.Lock()
	passed := s.clock().Sub(s.external.at)
	fresh := s.external.version == s.refs.version() && passed >= 0 && passed < catalogFileLook
	s.external.mu.Unlock()
	if !fresh {
		s.tellOutside(ctx)
	}
}

func (s *env) tellOutside(ctx context.Context) {
	s.external.mu.Lock()
	defer s.external.mu.Unlock()
	s.external.at, s.external.version = s.clock(), s.refs.version()
	var looks []outsideLook
	err := s.store.View(ctx, func(r store.Reader) error {
		looks = looks[:0]
		for account := range accounts(r) {
			v := s.view(r, api.Caller{Account: account})
			looks = append(looks, outsideLooks(v)...)
		}
		return nil
	})
	for i := range looks {
		if err == nil {
			err = s.tellOutsideOf(ctx, &looks[i])
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("what changed outside was not told", "error", err)
	}
}

// accounts walks the accounts that have anything.
func accounts(r store.Reader) iter.Seq[string] {
	return func(yield func(string) bool) {
		for after, more := "", true; more; {
			more = false
			for key := range r.Scan("/acct/", after) {
				account := accountOf(key)
				if !yield(account) {
					return
				}
				after, more = store.Path("acct", account)+"0", true // behind everything of the account
				break
			}
		}
	}
}

// outsideLook is what there is to look at for a global network.
type outsideLook struct {
	key, id, global, account string
	gateways                 []string
	network                  *coreNetworkRow           // nil: none
	attached                 map[string]*attachmentRow // Site-to-Site VPN attachments
	seen                     *outsideRow
}

// outsideLooks is what there is to look at, and what was, in the global networks of an account.
func outsideLooks(v *View) []outsideLook {
	looks := map[string]*outsideLook{}
	look := func(gn string) *outsideLook {
		if looks[gn] == nil {
			key := v.key("outside", gn)
			seen, ok := outsides.Get(v.r, key)
			if !ok {
				seen = &outsideRow{}
			}
			looks[gn] = &outsideLook{key: key, id: gn, account: v.caller.Account, attached: map[string]*attachmentRow{}, seen: seen}
		}
		return looks[gn]
	}
	for key := range outsides.Scan(v.r, v.prefix("outside"), "") {
		_, _, gn, _ := splitKey(key, 1)
		look(strings.TrimPrefix(gn, "/"))
	}
	for _, gn := range globalNetworks.Scan(v.r, v.prefix("global-network"), "") {
		for _, r := range tgwRegistrations.ScanIndex(v.r, v.prefix("tgw-registration.live", gn.GlobalNetworkId), "") {
			if r.State.Code != api.TransitGatewayRegistrationStateDeleting {
				l := look(gn.GlobalNetworkId)
				l.global, l.gateways = gn.GlobalNetworkArn, append(l.gateways, r.TransitGatewayArn)
			}
		}
	}
	for _, network := range coreNetworks.Scan(v.r, v.prefix("core-network"), "") {
		for _, a := range attachments.Scan(v.r, v.prefix("attachment", network.CoreNetworkId), "") {
			if a.AttachmentType == api.AttachmentTypeSiteToSiteVpn && a.isBuilt() {
				l := look(network.GlobalNetworkId)
				l.global, l.network, l.attached[a.AttachmentId] = sibling(network.CoreNetworkArn, "global-network", network.GlobalNetworkId), network, a
			}
		}
	}
	var list []outsideLook
	for _, gn := range slices.Sorted(maps.Keys(looks)) {
		list = append(list, *looks[gn])
	}
	return list
}

// isBuilt tells whether an attachment has been built and is there to stay.
func (row *attachmentRow) isBuilt() bool {
	switch row.State {
	case api.AttachmentStateAvailable, api.AttachmentStateUpdating, api.AttachmentStatePendingNetworkUpdate, api.AttachmentStatePendingTagAcceptance:
		return true
	}
	return false
}

// tellOutsideOf looks and tells for one global network.
func (s *env) tellOutsideOf(ctx context.Context, l *outsideLook) error {
	next := s.lookOutsideAt(ctx, l)
	var told map[string]*outsideTable
	err := s.store.View(ctx, func(r store.Reader) error {
		told = readOutsideTables(r, l)
		return nil
	})
	if err != nil {
		return err
	}
	tables := map[string]*outsideTable{}
	if !s.noRoutingEvents {
		if tables, err = s.lookAtTables(ctx, l, told); err != nil {
			return err
		}
	}
	if next.Number = l.seen.Number; reflect.DeepEqual(next, l.seen) && reflect.DeepEqual(tables, told) {
		return s.deregisterDeleted(ctx, l, next)
	}
	err = s.store.Update(ctx, func(tx store.Txn) error {
		seen, ok := outsides.Get(tx, l.key)
		if !ok {
			seen = &outsideRow{}
		}
		is := *next
		is.Number = max(is.Number, seen.Number)
		t := outsideTeller{tx: tx, now: s.clock(), look: l}
		t.tell(seen, &is)
		t.tables(seen, &is, readOutsideTables(tx, l), tables)
		if len(is.Gateways) == 0 && len(is.Attached) == 0 {
			if ok {
				outsides.Delete(tx, l.key)
			}
		} else {
			outsides.Put(tx, l.key, &is)
		}
		return t.err
	})
	if err != nil {
		return err
	}
	return s.deregisterDeleted(ctx, l, next)
}

// deregisterDeleted ends the registrations of transit gateways that were deleted in EC2.
func (s *env) deregisterDeleted(ctx context.Context, l *outsideLook, next *outsideRow) error {
	owner, _ := parseARN(l.global)
	ctx = api.WithCaller(ctx, api.Caller{Account: l.account, Partition: owner.partition})
	for _, arn := range l.gateways {
		if !next.Gateways[arn].Missing {
			continue
		}
		if _, err := deregisterTransitGateway(ctx, s, &api.DeregisterTransitGatewayInput{GlobalNetworkId: l.id, TransitGatewayArn: arn}); err != nil {
			return err
		}
	}
	return nil
}

// readOutsideTables reads what was told of the tables of a global network.
func readOutsideTables(r store.Reader, l *outsideLook) map[string]*outsideTable {
	told := map[string]*outsideTable{}
	for _, row := range outsideTables.Scan(r, accountKey(l.account, "outside-table", l.id)+"/", "") {
		told[row.ARN] = row
	}
	return told
}

// lookOutsideAt asks the catalog. What cannot be asked about now is as it was seen last.
func (s *env) lookOutsideAt(ctx context.Context, l *outsideLook) *outsideRow {
	next := &outsideRow{}
	vpn := func(arn string, before outsideVPN, had bool) (outsideVPN, bool) {
		found, err := s.refs.catalog.VPNConnection(ctx, arn)
		switch missing, failure := unknown(err); {
		case failure != nil:
			return before, had
		case missing:
			return outsideVPN{ARN: arn}, had // not torn down by us, and down
		}
		return s.seenVPN(ctx, found), true
	}
	for _, arn := range l.gateways {
		before, had := l.seen.Gateways[arn]
		gateway, err := s.refs.catalog.TransitGateway(ctx, arn)
		missing, failure := unknown(err)
		now := before
		switch {
		case failure != nil && !had:
			continue
		case failure != nil:
		case missing || gateway.State == "deleted":
			now = outsideGateway{Missing: true}
		default:
			now = outsideGateway{Attachments: map[string]outsideAttachment{}}
			for i := range gateway.Attachments {
				a := &gateway.Attachments[i]
				now.Attachments[a.ARN] = outsideAttachment{a.ResourceType, a.ResourceARN, a.RouteTableARN}
				if a.ResourceType == "vpn" && a.ResourceARN != "" {
					was, known := before.VPNs[a.ARN]
					if seen, ok := vpn(a.ResourceARN, was, known); ok {
						if now.VPNs == nil {
							now.VPNs = map[string]outsideVPN{}
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
			next.Gateways = map[string]outsideGateway{}
		}
		next.Gateways[arn] = now
	}
	for id, a := range l.attached {
		was, had := l.seen.Attached[id]
		if seen, ok := vpn(a.ResourceArn, was, had); ok {
			if next.Attached == nil {
				next.Attached = map[string]outsideVPN{}
			}
			next.Attached[id] = seen
		}
	}
	return next
}

func (s *env) seenVPN(ctx context.Context, v *catalog.VPNConnection) outsideVPN {
	seen := outsideVPN{ARN: v.ARN, CustomerGateway: v.CustomerGatewayARN, Static: len(v.StaticRoutes) > 0}
	if customer, err := s.refs.catalog.CustomerGateway(ctx, v.CustomerGatewayARN); err == nil {
		seen.PeerASN = customer.ASN
	}
	for i := range v.Tunnels {
		if seen.Tunnels == nil {
			seen.Tunnels = map[string]outsideTunnel{}
		}
		t := &v.Tunnels[i]
		seen.Tunnels[t.OutsideIP.String()] = outsideTunnel{IPsec: !ipsecIsDown(t), BGP: t.Up && !seen.Static}
	}
	return seen
}

// outsideTeller writes the events of one look.
type outsideTeller struct {
	tx   store.Txn
	now  time.Time
	look *outsideLook
	err  error
}

func (t *outsideTeller) emit(detailType string, d outsideDetail, resource string) {
	t.err = cmp.Or(t.err, events.Append(t.tx, t.now, detailType, t.look.account, []string{t.look.global, resource}, &d))
}
