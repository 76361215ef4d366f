package snapshot

import (
	"fmt"
	"net/netip"
	"slices"

	"portolan/policy"
	"portolan/routing"
)

// Peer is a Connect peer, with what it announces.
type Peer struct {
	ID            string                 `json:"id"`
	Tags          map[string]string      `json:"tags,omitzero"`
	ASN           uint32                 `json:"asn"`
	Announcements []routing.Announcement `json:"announcements,omitzero"`
	Sessions      []Session              `json:"sessions,omitzero"`   // that a server holds with the peer
	Overridden    int                    `json:"overridden,omitzero"` // routes heard on them that Announcements takes the place of
}

// Session is a BGP session of a Connect peer or a VPN attachment at the moment of the snapshot.
type Session struct {
	CoreNetworkAddress string `json:"coreNetworkAddress"`
	Up                 bool   `json:"up"`
	Reason             string `json:"reason,omitzero"` // why it was last down
}

// VPCOptions are the options of a VPC attachment. What is absent is as AWS has it by default.
type VPCOptions struct {
	ApplianceMode            *bool `json:"applianceMode,omitzero"`            // default false
	DNSSupport               *bool `json:"dnsSupport,omitzero"`               // default true
	IPv6Support              *bool `json:"ipv6Support,omitzero"`              // default false
	SecurityGroupReferencing *bool `json:"securityGroupReferencing,omitzero"` // default true
}

// NAT is the 1:1 NAT configuration of an attachment.
type NAT struct {
	Enabled      bool      `json:"enabled"`
	SystemRoutes *bool     `json:"systemRoutes,omitzero"` // nil: as the type has it
	Rules        []NATRule `json:"rules"`
}

// NATRule translates one IPv4 block to another of its size.
type NATRule struct {
	Number      int          `json:"ruleNumber"`
	MatchSource netip.Prefix `json:"matchSourceCidr"`
	NAT         netip.Prefix `json:"natCidr"`
}

// announced is what the attachment and its peers announce.
func (a *Attachment) announced() []routing.Announcement {
	if len(a.Peers) == 0 {
		return a.Announcements
	}
	list := slices.Clone(a.Announcements)
	for _, p := range a.Peers {
		for _, n := range p.Announcements {
			n.Peer = p.ID
			list = append(list, n)
		}
	}
	return list
}

// bgpPeers are the peers as routing takes them.
func (a *Attachment) bgpPeers() []routing.Peer {
	var list []routing.Peer
	for _, p := range a.Peers {
		list = append(list, routing.Peer{ID: p.ID, ASN: p.ASN})
	}
	return list
}

// active is NAT as routing takes it: nil when it is switched off.
func (n *NAT) active(attachmentType string) *routing.NAT {
	if n == nil || !n.Enabled {
		return nil
	}
	active := &routing.NAT{SystemRoutes: attachmentType != policy.TypeConnect}
	if n.SystemRoutes != nil {
		active.SystemRoutes = *n.SystemRoutes
	}
	for _, r := range n.Rules {
		active.Rules = append(active.Rules, routing.NATRule{Source: r.MatchSource, NAT: r.NAT})
	}
	return active
}

func (a *Attachment) validateAnnouncements(at string, list []routing.Announcement, add func(string, ...any)) {
	for j, announced := range list {
		switch {
		case !announced.Prefix.IsValid() || announced.Prefix.Addr().Is4In6():
			add("%s: announcements[%d]: want a prefix such as 10.0.0.0/16", at, j)
		case announced.Prefix != announced.Prefix.Masked():
			add("%s: announcements[%d]: %s has host bits: write %s", at, j, announced.Prefix, announced.Prefix.Masked())
		case slices.Contains(announced.ASPath, 0):
			add("%s: announcements[%d]: AS 0 is reserved", at, j)
		case announced.Edge != "" && !slices.Contains(a.Edges, announced.Edge):
			add("%s: announcements[%d]: the attachment is not at edge %q", at, j, announced.Edge)
		}
	}
}

// validatePeers checks the peers. ids are those that attachments and peers have.
func (a *Attachment) validatePeers(at string, ids map[string]bool, add func(string, ...any)) {
	if len(a.Peers) > 0 && a.Type != policy.TypeConnect {
		add("%s: only a Connect attachment has peers", at)
	}
	for j := range a.Peers {
		p := &a.Peers[j]
		where := fmt.Sprintf("%s: peers[%d]", at, j)
		if p.ID == "" || ids[p.ID] {
			add("%s: want an id that no other peer or attachment has", where)
		}
		ids[p.ID] = true
		if p.ASN == 0 {
			add("%s: want the ASN of the peer", where)
		}
		a.validateAnnouncements(where, p.Announcements, add)
	}
}

// validateVPC checks what only a VPC attachment has.
func (a *Attachment) validateVPC(at string, add func(string, ...any)) {
	if a.Type != policy.TypeVPC && (len(a.SubnetARNs) > 0 || a.Options != nil) {
		add("%s: only a VPC attachment has subnetArns and options", at)
	}
}

// validateNAT checks the form of NAT rules. What AWS refuses beyond it is for the operations.
func (a *Attachment) validateNAT(at string, add func(string, ...any)) {
	if a.NAT == nil {
		return
	}
	if a.Type == policy.TypeTransitGatewayRouteTable {
		add("%s: a transit gateway route table has no NAT", at)
	}
	for j, r := range a.NAT.Rules {
		if from, to := r.MatchSource, r.NAT; !from.IsValid() || !to.IsValid() || !from.Addr().Is4() || !to.Addr().Is4() || from.Bits() != to.Bits() {
			add("%s: nat.rules[%d]: want two IPv4 blocks of one size in matchSourceCidr and natCidr", at, j)
		} else if from != from.Masked() || to != to.Masked() {
			add("%s: nat.rules[%d]: a block has host bits: write %s and %s", at, j, from.Masked(), to.Masked())
		}
	}
}
