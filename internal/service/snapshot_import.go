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
	"portolan/internal/snapshot"
	"portolan/internal/state"
	"portolan/policy"
	"portolan/routing"
)

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
		if a, ok := state.ParseARN(snap.Attachments[i].ResourceARN); ok {
			caller.Partition = a.Partition
			break
		}
	}
	document := s.db.ReadPolicy(string(snap.Policy))
	return state.Update(api.WithCaller(ctx, caller), s.db, func(tx *state.Txn) (*Import, error) {
		key := state.SnapshotImports.Key(tx.Caller.Account)
		if row, ok := state.SnapshotImports.Get(tx.View, key); ok {
			if row.Digest != digest {
				return nil, fmt.Errorf("%w account %[2]s: created from a different snapshot. POST /_portolan/reset?account=%[2]s or use another --data", ErrNotEmpty, caller.Account)
			}
			done := row.Import
			return &Import{done.Account, done.GlobalNetworkID, done.CoreNetworkID, done.IDs, true}, nil
		}
		if state.GlobalNetworks.Any(tx.View, state.GlobalNetworks.Of(tx.Caller.Account)) {
			return nil, fmt.Errorf("%w account %[2]s: it has a global network that is not of this snapshot. POST /_portolan/reset?account=%[2]s or use another --data", ErrNotEmpty, caller.Account)
		}
		im := &importer{Txn: tx, snap: snap, document: document, network: network, done: Import{Account: caller.Account, IDs: map[string]string{}}}
		if err := im.run(); err != nil {
			return nil, err
		}
		state.SnapshotImports.Put(tx, key, &state.SnapshotImport{Digest: digest, Import: state.Imported{
			Account: im.done.Account, GlobalNetworkID: im.done.GlobalNetworkID, CoreNetworkID: im.done.CoreNetworkID, IDs: im.done.IDs,
		}})
		return &im.done, nil
	})
}

var (
	accountID     = regexp.MustCompile(`^[0-9]{12}$`)
	keptAfterKind = regexp.MustCompile(`^-[0-9a-f]{8,17}$`)
)

// importer makes one snapshot's network in a transaction.
type importer struct {
	*state.Txn
	snap     *snapshot.Snapshot
	document *state.Document
	network  *routing.Network
	row      *state.CoreNetwork
	done     Import
	vpcs     map[string]string // ids of VPC attachments by the VPC's ARN and the edge
	places   map[string]snapshot.Association
}

// id is a name as an id of the kind: itself where it is one.
func (im *importer) id(kind, name string) string {
	if len(name) > len(kind) && name[:len(kind)] == kind && keptAfterKind.MatchString(name[len(kind):]) {
		return name
	}
	if name == "" {
		return im.NewID(kind)
	}
	given, ok := im.done.IDs[name]
	if !ok {
		given = im.NewID(kind)
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
		created := im.Now.Add(-time.Duration(len(order)-1-i) * time.Second)
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
	if errs := checkReferences(im.View, im.row, im.document); len(errs) > 0 {
		return &snapshot.PolicyError{Errors: errs}
	}
	return nil
}

func (im *importer) coreNetwork() error {
	now := im.Time()
	gn := state.GlobalNetwork{GlobalNetworkId: im.NewID("global-network"), CreatedAt: now, State: api.GlobalNetworkStateAvailable}
	gn.GlobalNetworkArn = im.ARN("global-network", gn.GlobalNetworkId)
	state.GlobalNetworks.Put(im.Txn, state.GlobalNetworks.Key(im.Caller.Account, gn.GlobalNetworkId), &gn)
	id := im.id("core-network", im.snap.CoreNetworkID)
	if _, taken := state.CoreNetworks.ByID(im.View, id); taken {
		return fmt.Errorf("%w core network %s: another account owns it", ErrNotEmpty, id)
	}
	live := max(1, im.snap.PolicyVersionID)
	im.row = &state.CoreNetwork{
		GlobalNetworkId: gn.GlobalNetworkId, CoreNetworkId: id, CoreNetworkArn: im.ARN("core-network", id), CreatedAt: now,
		State:          api.CoreNetworkStateAvailable,
		OwnerAccountId: im.Caller.Account, NextVersion: live,
	}
	version := state.PolicyVersion{
		CoreNetworkId: id, PolicyVersionId: new(live), CreatedAt: now, ChangeSetState: api.ChangeSetStateExecutionSucceeded,
	}
	im.row.ExecutionAsked, im.row.ExecutionStarted = now, now
	state.KeepChanges(changesOf(im.View, im.row, im.network.Policy, nil)).Put(im.Txn, im.row, live)
	im.row.ExecutionAsked, im.row.ExecutionStarted = state.Time{}, state.Time{}
	im.PutVersion(im.row, &version, im.document)
	im.row.LatestVersion, im.row.LiveVersion, im.row.NextVersion = live, live, live+1
	im.row.Edges, im.row.Segments, im.row.NetworkFunctionGroups = state.NetworkOf(im.network.Policy)
	state.CoreNetworks.Put(im.Txn, im.row.Key(), im.row)
	im.done.GlobalNetworkID, im.done.CoreNetworkID = gn.GlobalNetworkId, id
	return nil
}

func (im *importer) ec2(region, account, kind, id string) string {
	return "arn:" + im.Caller.Partition + ":ec2:" + region + ":" + account + ":" + kind + "/" + id
}

func (im *importer) prefixLists() {
	for _, alias := range slices.Sorted(maps.Keys(im.snap.PrefixLists)) {
		row := state.PrefixListAssociation{
			CoreNetworkId: im.row.CoreNetworkId, PrefixListAlias: alias,
			PrefixListArn: im.ec2("us-west-2", im.Caller.Account, "prefix-list", im.NewID("pl")),
			Entries:       append([]netip.Prefix{}, im.snap.PrefixLists[alias]...),
		}
		state.PrefixListAssociations.Put(im.Txn, state.PrefixListAssociations.Key(im.Caller.Account, im.row.CoreNetworkId, row.PrefixListArn), &row)
	}
}

func (im *importer) attachment(a *snapshot.Attachment, created time.Time) error {
	row := &state.Attachment{
		AttachmentId: im.id("attachment", a.ID), CoreNetworkId: im.row.CoreNetworkId, CoreNetworkArn: im.row.CoreNetworkArn,
		OwnerAccountId: cmp.Or(a.Account, im.Caller.Account), State: api.AttachmentState(cmp.Or(a.State, "AVAILABLE")),
		ResourceArn: a.ResourceARN, CreatedAt: state.Time{Time: created}, UpdatedAt: im.Time(),
		RoutingPolicyLabel: a.RoutingPolicyLabel, PeerASN: a.PeerASN,
	}
	row.AttachmentType = state.AttachmentType(a.Type)
	if !accountID.MatchString(row.OwnerAccountId) {
		return fmt.Errorf("account %q has not 12 digits", a.Account)
	}
	if _, taken := state.Attachments.ByID(im.View, row.AttachmentId); taken {
		return fmt.Errorf("%w: another core network has it", ErrNotEmpty)
	}
	if err := im.Fits(state.QuotaAttachments, "attachment", im.row.CoreNetworkId, state.Attachments.Count(im.View, im.Caller.Account, im.row.CoreNetworkId)); err != nil {
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
	tags := importedTags(a.ID, row.AttachmentId, a.Tags)
	if err := checkNewTags(im.Txn, tags); err != nil {
		return err
	}
	row.Tags = someTags(tags)
	if err := im.resource(a, row); err != nil {
		return err
	}
	im.locate(a, row)
	if err := checkAnnouncements(a.Announcements, row.Edges()); err != nil {
		return err
	}
	row.NAT = importedNAT(a)
	state.Attachments.Import(im.Txn, row)
	im.announce(row, row.AttachmentId, a.Announcements)
	for i := range a.Peers {
		if err := im.connectPeer(&a.Peers[i], row); err != nil {
			return fmt.Errorf("peer %s: %w", a.Peers[i].ID, err)
		}
	}
	return nil
}

// importedTags are the tags of the file. An id that no AWS resource could have lives on as the tag Name, or beside one as
// [snapshot.IDTag].
func importedTags(name, id string, given map[string]string) []api.Tag {
	var tags []api.Tag
	for _, k := range slices.Sorted(maps.Keys(given)) {
		tags = append(tags, api.Tag{Key: new(k), Value: new(given[k])})
	}
	key := "Name"
	if _, named := given[key]; named {
		key = snapshot.IDTag
	}
	if _, named := given[key]; !named && name != id && name != given["Name"] && len(name) <= 256 {
		tags = append(tags, api.Tag{Key: &key, Value: new(name)})
	}
	return tags
}

// announce stores what an attachment or a Connect peer of it announces.
func (im *importer) announce(row *state.Attachment, id string, list []routing.Announcement) {
	if len(list) > 0 {
		state.Announcements.Put(im.Txn, state.Announcements.Key(im.Caller.Account, row.CoreNetworkId, id), &state.AnnouncementSet{
			ID: id, CoreNetworkId: row.CoreNetworkId, UpdatedAt: row.UpdatedAt, Announcements: state.AnnouncementsOf(list),
		})
	}
}

// connectPeer makes a Connect peer of the file's, whose addresses are not in the file.
func (im *importer) connectPeer(p *snapshot.Peer, row *state.Attachment) error {
	if err := checkAnnouncements(p.Announcements, row.Edges()); err != nil {
		return err
	}
	id := im.id("connect-peer", p.ID)
	peer := state.ConnectPeer{
		CoreNetworkId: row.CoreNetworkId, ConnectAttachmentId: row.AttachmentId, ConnectPeerId: id,
		EdgeLocation: row.EdgeLocation, State: api.ConnectPeerStateAvailable, CreatedAt: row.CreatedAt,
		GlobalNetworkId: im.row.GlobalNetworkId, OwnerAccountId: im.row.OwnerAccountId,
		Tags: someTags(importedTags(p.ID, id, p.Tags)),
		Configuration: &state.ConnectPeerConfiguration{
			Protocol: row.Protocol, BgpConfigurations: []state.ConnectPeerBgpConfiguration{{PeerAsn: new(int64(p.ASN))}},
		},
	}
	state.ConnectPeers.Save(im.Txn, peer.Key(), &peer)
	im.announce(row, peer.ConnectPeerId, p.Announcements)
	return nil
}

// importedNAT is the NAT of an attachment of the file's, in force where it is enabled.
func importedNAT(a *snapshot.Attachment) *state.NAT {
	if a.NAT == nil {
		return nil
	}
	nat := state.NAT{Support: api.NatGatewaySupportStateDisabled, SystemRoutes: a.Type != policy.TypeConnect}
	if a.NAT.Enabled {
		nat.Support = api.NatGatewaySupportStateEnabled
	}
	if a.NAT.SystemRoutes != nil {
		nat.SystemRoutes = *a.NAT.SystemRoutes
	}
	for i, r := range a.NAT.Rules {
		nat.Rules = append(nat.Rules, state.NATRule{
			RuleNumber: int32(cmp.Or(r.Number, i+1)), NATMapping: state.NATMapping{MatchSourceCidr: r.MatchSource.String(), NatCidr: r.NAT.String()},
		})
	}
	return settleNAT(&nat)
}

// resource fills in what an attachment is for. What the file does not name is made up, in the form AWS has.
func (im *importer) resource(a *snapshot.Attachment, row *state.Attachment) error {
	made := func(kind, prefix string) {
		if row.ResourceArn == "" {
			row.ResourceArn = im.ec2(a.Edges[0], row.OwnerAccountId, kind, cmp.Or(a.ResourceID, im.NewID(prefix)))
		}
	}
	switch a.Type {
	case policy.TypeVPC:
		made("vpc", "vpc")
		row.SubnetArns = slices.Clone(a.SubnetARNs)
		if len(row.SubnetArns) == 0 {
			row.SubnetArns = []string{im.ec2(a.Edges[0], row.OwnerAccountId, "subnet", im.NewID("subnet"))}
		}
		v6 := slices.ContainsFunc(a.Announcements, func(x routing.Announcement) bool { return x.Prefix.Addr().Is6() })
		row.VpcOptions = &state.VpcOptions{
			Ipv6Support: new(v6), ApplianceModeSupport: new(false), DnsSupport: new(true), SecurityGroupReferencingSupport: new(true),
		}
		if o := a.Options; o != nil {
			row.VpcOptions.Ipv6Support = cmp.Or(o.IPv6Support, row.VpcOptions.Ipv6Support)
			row.VpcOptions.ApplianceModeSupport = cmp.Or(o.ApplianceMode, row.VpcOptions.ApplianceModeSupport)
			row.VpcOptions.DnsSupport = cmp.Or(o.DNSSupport, row.VpcOptions.DnsSupport)
			row.VpcOptions.SecurityGroupReferencingSupport = cmp.Or(o.SecurityGroupReferencing, row.VpcOptions.SecurityGroupReferencingSupport)
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
			row.ResourceArn = "arn:" + im.Caller.Partition + ":directconnect::" + row.OwnerAccountId + ":dx-gateway/" + cmp.Or(a.ResourceID, im.NewID("dxgw"))
		}
	case policy.TypeTransitGatewayRouteTable:
		made("transit-gateway-route-table", "tgw-rtb")
		row.PeeringId = im.peering(a, row)
	}
	if _, ok := state.ParseARN(row.ResourceArn); !ok {
		return fmt.Errorf("resourceArn %q is not an ARN", row.ResourceArn)
	}
	return nil
}

// peering is the peering of a route table's transit gateway, which the file knows by its id alone.
func (im *importer) peering(a *snapshot.Attachment, row *state.Attachment) string {
	id := im.id("peering", a.PeeringID)
	if _, known := state.Peerings.ByID(im.View, id); known {
		return id
	}
	gateway, _ := state.ParseARN(row.ResourceArn)
	p := state.Peering{
		CoreNetworkId: im.row.CoreNetworkId, CoreNetworkArn: im.row.CoreNetworkArn, PeeringId: id, OwnerAccountId: row.OwnerAccountId,
		PeeringType: api.PeeringTypeTransitGateway, State: api.PeeringStateAvailable, EdgeLocation: a.Edges[0],
		ResourceArn:                       im.ec2(cmp.Or(gateway.Region, a.Edges[0]), cmp.Or(gateway.Account, row.OwnerAccountId), "transit-gateway", im.NewID("tgw")),
		CreatedAt:                         im.Time(),
		TransitGatewayPeeringAttachmentId: im.NewID("tgw-attach"),
	}
	state.Peerings.Put(im.Txn, p.Key(), &p)
	return id
}

// locate puts an attachment where the snapshot has it: where it says, or else where the policy's rules do.
func (im *importer) locate(a *snapshot.Attachment, row *state.Attachment) {
	placed := im.places[a.ID]
	decision := im.network.Policy.Associate(row.ForPolicy())
	if placed.RuleNumber = decision.RuleNumber; a.Association != nil {
		placed.RuleNumber = a.Association.RuleNumber
	}
	row.Place(policy.Association{Segment: placed.Segment, NetworkFunctionGroup: placed.NetworkFunctionGroup, RuleNumber: placed.RuleNumber})
	switch {
	case a.Proposal != nil:
		row.Propose(policy.Association(*a.Proposal))
	case row.State == api.AttachmentStatePendingTagAcceptance:
		row.Propose(decision.Association)
	}
}
