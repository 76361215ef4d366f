package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/snapshot"
	"portolan/internal/store"
	"portolan/policy"
	"portolan/routing"
)

// importRow remembers the snapshot that an account began with.
type importRow struct {
	Digest string // of the snapshot as JSON
	Import Import
}

// imports holds importRow by /acct/A/snapshot-import.
var imports = store.NewTable(store.Schema[importRow]{Name: "snapshot-import"})

// Import is what became of a snapshot.
type Import struct {
	Account, GlobalNetworkID, CoreNetworkID string

	// IDs are those that were given in the place of names that no AWS resource could have, by the name.
	IDs map[string]string

	Before bool `json:"-"` // it was imported by an earlier start: nothing was done
}

// maxImportedVersion leaves room for the versions that follow.
const maxImportedVersion = 1_000_000_000

// ErrNotEmpty is why a snapshot was not imported: the account has a network already.
var ErrNotEmpty = errors.New("refusing to overwrite")

// ImportSnapshot makes the network of a snapshot: a global network, its core network with the policy LIVE, and what is
// attached. The account must be empty; the same snapshot a second time changes nothing, another one is refused. Nobody is
// sent events about it: the network was there before.
//
// Ids of AWS's form are kept. Resources that the file does not name are made up: VPCs with one subnet, transit gateways
// behind peerings.
func (s *Service) ImportSnapshot(ctx context.Context, snap *snapshot.Snapshot) (*Import, error) {
	if err := snap.Validate(); err != nil {
		return nil, err
	}
	if snap.PolicyVersionID < 0 || snap.PolicyVersionID > maxImportedVersion {
		return nil, fmt.Errorf("policyVersionId %d is not from 1 to %d", snap.PolicyVersionID, maxImportedVersion)
	}
	text, err := snap.JSON()
	if err != nil {
		return nil, err
	}
	network, err := snap.Network(nil)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	caller := api.Caller{Account: cmp.Or(snap.Account, "000000000000"), Partition: "aws"}
	if !accountID.MatchString(caller.Account) {
		return nil, fmt.Errorf("account %q has not 12 digits", snap.Account)
	}
	for i := range snap.Attachments {
		if a, ok := parseARN(snap.Attachments[i].ResourceARN); ok {
			caller.Partition = a.partition
			break
		}
	}
	return update(api.WithCaller(ctx, caller), s.env, func(tx *Txn) (*Import, error) {
		key := tx.key("snapshot-import")
		if row, ok := imports.Get(tx.r, key); ok {
			if row.Digest != digest {
				return nil, fmt.Errorf("%w account %[2]s: created from a different snapshot. POST /_portolan/reset?account=%[2]s or use another --data", ErrNotEmpty, caller.Account)
			}
			done := row.Import
			done.Before = true
			return &done, nil
		}
		if globalNetworks.Any(tx.r, tx.prefix("global-network")) {
			return nil, fmt.Errorf("%w account %[2]s: it has a global network that is not of this snapshot. POST /_portolan/reset?account=%[2]s or use another --data", ErrNotEmpty, caller.Account)
		}
		im := &importer{Txn: tx, snap: snap, network: network, done: Import{Account: caller.Account, IDs: map[string]string{}}}
		if err := im.run(); err != nil {
			return nil, err
		}
		imports.Put(tx.w, key, &importRow{digest, im.done})
		return &im.done, nil
	})
}

var (
	accountID     = regexp.MustCompile(`^[0-9]{12}$`)
	keptAfterKind = regexp.MustCompile(`^-[0-9a-f]{8,17}$`)
)

// importer makes one snapshot's network in a transaction.
type importer struct {
	*Txn
	snap    *snapshot.Snapshot
	network *routing.Network
	row     *coreNetworkRow
	done    Import
	vpcs    map[string]string // ids of VPC attachments by the VPC's ARN and the edge
	places  map[string]snapshot.Association
}

// id is a name as an id of the kind: itself where it is one.
func (im *importer) id(kind, name string) string {
	if len(name) > len(kind) && name[:len(kind)] == kind && keptAfterKind.MatchString(name[len(kind):]) {
		return name
	}
	if name == "" {
		return im.ids.next(kind)
	}
	given, ok := im.done.IDs[name]
	if !ok {
		given = im.ids.next(kind)
		im.done.IDs[name] = given
	}
	return given
}

func (im *importer) run() error {
	if err := im.coreNetwork(); err != nil {
		return err
	}
	im.prefixLists()
	// A Connect attachment needs the VPC attachment that it runs over.
	im.vpcs, im.places = map[string]string{}, map[string]snapshot.Association{}
	for i := range im.network.Attachments {
		n := &im.network.Attachments[i]
		im.places[n.ID] = snapshot.Association{Segment: n.Segment, NetworkFunctionGroup: n.NetworkFunctionGroup}
	}
	order := make([]int, 0, len(im.snap.Attachments))
	for i := range im.snap.Attachments {
		if im.snap.Attachments[i].Type != policy.TypeConnect {
			order = append(order, i)
		}
	}
	for i := range im.snap.Attachments {
		if im.snap.Attachments[i].Type == policy.TypeConnect {
			order = append(order, i)
		}
	}
	for i := range im.snap.Attachments { // ids in the order of the file: it is the order in which they are listed
		im.id("attachment", im.snap.Attachments[i].ID)
	}
	for _, i := range order {
		// The file has the oldest first; stored times have whole seconds.
		created := im.now.Add(-time.Duration(len(order)-1-i) * time.Second)
		if err := im.attachment(&im.snap.Attachments[i], created); err != nil {
			return fmt.Errorf("attachment %s: %w", im.snap.Attachments[i].ID, err)
		}
	}
	for _, r := range im.network.Policy.StaticRoutes {
		for _, id := range r.Destinations {
			if given, mapped := im.done.IDs[id]; mapped {
				return fmt.Errorf("attachment %s: the policy's static route %s leads to it, so it needs an id of AWS's form; %s would do", id, r.Prefix, given)
			}
		}
	}
	if errs := checkReferences(im.View, im.row, string(im.snap.Policy)); len(errs) > 0 {
		return &snapshot.PolicyError{Errors: errs}
	}
	return nil
}

func (im *importer) coreNetwork() error {
	now := api.Time{Time: im.now}
	gn := api.GlobalNetwork{GlobalNetworkId: im.ids.next("global-network"), CreatedAt: now, State: api.GlobalNetworkStateAvailable}
	gn.GlobalNetworkArn = im.arnOf("global-network", gn.GlobalNetworkId)
	globalNetworks.Put(im.w, im.key("global-network", gn.GlobalNetworkId), &gn)
	id := im.id("core-network", im.snap.CoreNetworkID)
	if _, taken := byID(im.r, coreNetworks, id); taken {
		return fmt.Errorf("%w core network %s: another account owns it", ErrNotEmpty, id)
	}
	live := max(1, im.snap.PolicyVersionID)
	im.row = &coreNetworkRow{
		CoreNetwork: api.CoreNetwork{
			GlobalNetworkId: gn.GlobalNetworkId, CoreNetworkId: id, CoreNetworkArn: im.arnOf("core-network", id), CreatedAt: now,
			State: api.CoreNetworkStateAvailable,
		},
		OwnerAccountId: im.caller.Account, NextVersion: live,
	}
	version := api.CoreNetworkPolicy{
		CoreNetworkId: id, PolicyVersionId: new(live), CreatedAt: now, ChangeSetState: api.ChangeSetStateExecutionSucceeded,
		PolicyDocument: string(im.snap.Policy),
	}
	im.row.ExecutionAsked, im.row.ExecutionStarted = now, now
	keepChanges(im.Txn, im.row, live, changesOf(im.View, im.row, im.network.Policy, nil))
	im.row.ExecutionAsked, im.row.ExecutionStarted = api.Time{}, api.Time{}
	policyVersions.Put(im.w, versionKey(im.View, im.caller.Account, id, live), &version)
	im.row.LatestVersion, im.row.LiveVersion, im.row.NextVersion = live, live, live+1
	im.row.Edges, im.row.Segments, im.row.NetworkFunctionGroups = networkOf(im.network.Policy)
	coreNetworks.Put(im.w, im.row.key(), im.row)
	im.done.GlobalNetworkID, im.done.CoreNetworkID = gn.GlobalNetworkId, id
	return nil
}

func (im *importer) ec2(region, account, kind, id string) string {
	return "arn:" + im.caller.Partition + ":ec2:" + region + ":" + account + ":" + kind + "/" + id
}

func (im *importer) prefixLists() {
	for _, alias := range slices.Sorted(maps.Keys(im.snap.PrefixLists)) {
		row := prefixListAssociationRow{
			PrefixListAssociation: api.PrefixListAssociation{
				CoreNetworkId: im.row.CoreNetworkId, PrefixListAlias: alias,
				PrefixListArn: im.ec2("us-west-2", im.caller.Account, "prefix-list", im.ids.next("pl")),
			},
			Entries: append([]netip.Prefix{}, im.snap.PrefixLists[alias]...),
		}
		prefixListAssociations.Put(im.w, im.key("prefix-list-association", im.row.CoreNetworkId, row.PrefixListArn), &row)
	}
}

func (im *importer) attachment(a *snapshot.Attachment, created time.Time) error {
	row := &attachmentRow{
		Attachment: api.Attachment{
			AttachmentId: im.id("attachment", a.ID), CoreNetworkId: im.row.CoreNetworkId, CoreNetworkArn: im.row.CoreNetworkArn,
			OwnerAccountId: cmp.Or(a.Account, im.caller.Account), State: api.AttachmentState(cmp.Or(a.State, "AVAILABLE")),
			ResourceArn: a.ResourceARN, CreatedAt: api.Time{Time: created}, UpdatedAt: api.Time{Time: im.now},
		},
		RoutingPolicyLabel: a.RoutingPolicyLabel, PeerASN: a.PeerASN,
	}
	for kind, name := range policyTypes {
		if name == a.Type {
			row.AttachmentType = kind
		}
	}
	if !accountID.MatchString(row.OwnerAccountId) {
		return fmt.Errorf("account %q has not 12 digits", a.Account)
	}
	if _, taken := byID(im.r, attachments, row.AttachmentId); taken {
		return fmt.Errorf("%w: another core network has it", ErrNotEmpty)
	}
	if err := im.fits(quotaAttachments, "attachment", im.row.CoreNetworkId, accountKey(im.caller.Account, "attachment.count", im.row.CoreNetworkId)); err != nil {
		return err
	}
	if row.EdgeLocation = a.Edges[0]; a.Type == policy.TypeDirectConnectGateway {
		row.EdgeLocation, row.EdgeLocations = "", slices.Clone(a.Edges)
	}
	for _, e := range a.Edges {
		if err := edgeOf(im.row, e); err != nil {
			return err
		}
	}
	var tags []api.Tag
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		tags = append(tags, api.Tag{Key: new(k), Value: new(a.Tags[k])})
	}
	if err := checkNewTags(im.Txn, tags); err != nil {
		return err
	}
	row.Tags = someTags(tags)
	if err := im.resource(a, row); err != nil {
		return err
	}
	im.locate(a, row)
	if err := checkAnnouncements(a.Announcements, row.edges()); err != nil {
		return err
	}
	attachments.Put(im.w, attachmentKey(row), row)
	im.lc.Schedule(lifecycle.Attachment, attachmentKey(row), string(row.State))
	if len(a.Announcements) > 0 {
		list := slices.Clone(a.Announcements)
		for i := range list {
			list[i].Prefix = list[i].Prefix.Masked()
		}
		announcementSets.Put(im.w, im.key("announcements", row.CoreNetworkId, row.AttachmentId), &announcementsRow{
			ID: row.AttachmentId, CoreNetworkId: row.CoreNetworkId, UpdatedAt: row.UpdatedAt, Announcements: list,
		})
	}
	return nil
}

// resource fills in what an attachment is for. What the file does not name is made up, in the form AWS has.
func (im *importer) resource(a *snapshot.Attachment, row *attachmentRow) error {
	made := func(kind, prefix string) {
		if row.ResourceArn == "" {
			row.ResourceArn = im.ec2(a.Edges[0], row.OwnerAccountId, kind, cmp.Or(a.ResourceID, im.ids.next(prefix)))
		}
	}
	switch a.Type {
	case policy.TypeVPC:
		made("vpc", "vpc")
		row.SubnetArns = []string{im.ec2(a.Edges[0], row.OwnerAccountId, "subnet", im.ids.next("subnet"))}
		v6 := slices.ContainsFunc(a.Announcements, func(x routing.Announcement) bool { return x.Prefix.Addr().Is6() })
		row.VpcOptions = &api.VpcOptions{
			Ipv6Support: new(v6), ApplianceModeSupport: new(false), DnsSupport: new(true), SecurityGroupReferencingSupport: new(true),
		}
		im.vpcs[row.ResourceArn+"@"+row.EdgeLocation] = row.AttachmentId
	case policy.TypeConnect:
		row.Protocol = api.TunnelProtocolGre
		if a.TunnelLess {
			row.Protocol = api.TunnelProtocolNoEncap
		}
		if row.TransportAttachmentId = im.vpcs[row.ResourceArn+"@"+row.EdgeLocation]; row.TransportAttachmentId == "" {
			return errors.New("a Connect attachment runs over a VPC attachment at its edge: give both the same resourceArn")
		}
	case policy.TypeSiteToSiteVPN:
		made("vpn-connection", "vpn")
	case policy.TypeDirectConnectGateway:
		if row.ResourceArn == "" {
			row.ResourceArn = "arn:" + im.caller.Partition + ":directconnect::" + row.OwnerAccountId + ":dx-gateway/" + cmp.Or(a.ResourceID, im.ids.next("dxgw"))
		}
	case policy.TypeTransitGatewayRouteTable:
		made("transit-gateway-route-table", "tgw-rtb")
		row.PeeringId = im.peering(a, row)
	}
	if _, ok := parseARN(row.ResourceArn); !ok {
		return fmt.Errorf("resourceArn %q is not an ARN", row.ResourceArn)
	}
	return nil
}

// peering is the peering of a route table's transit gateway, which the file knows by its id alone.
func (im *importer) peering(a *snapshot.Attachment, row *attachmentRow) string {
	id := im.id("peering", a.PeeringID)
	if _, known := byID(im.r, peerings, id); known {
		return id
	}
	gateway, _ := parseARN(row.ResourceArn)
	p := peeringRow{
		Peering: api.Peering{
			CoreNetworkId: im.row.CoreNetworkId, CoreNetworkArn: im.row.CoreNetworkArn, PeeringId: id, OwnerAccountId: row.OwnerAccountId,
			PeeringType: api.PeeringTypeTransitGateway, State: api.PeeringStateAvailable, EdgeLocation: a.Edges[0],
			ResourceArn: im.ec2(cmp.Or(gateway.region, a.Edges[0]), cmp.Or(gateway.account, row.OwnerAccountId), "transit-gateway", im.ids.next("tgw")),
			CreatedAt:   api.Time{Time: im.now},
		},
		TransitGatewayPeeringAttachmentId: im.ids.next("tgw-attach"),
	}
	peerings.Put(im.w, p.key(), &p)
	return id
}

// locate puts an attachment where the snapshot has it: where it says, or else where the policy's rules do.
func (im *importer) locate(a *snapshot.Attachment, row *attachmentRow) {
	placed := im.places[a.ID]
	decision := im.network.Policy.Associate(row.forPolicy())
	if placed.RuleNumber = decision.RuleNumber; a.Association != nil {
		placed.RuleNumber = a.Association.RuleNumber
	}
	row.place(policy.Association{Segment: placed.Segment, NetworkFunctionGroup: placed.NetworkFunctionGroup, RuleNumber: placed.RuleNumber})
	switch {
	case a.Proposal != nil:
		row.propose(policy.Association(*a.Proposal))
	case row.State == api.AttachmentStatePendingTagAcceptance:
		row.propose(decision.Association)
	}
}
