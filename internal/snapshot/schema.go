package snapshot

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/policy"
)

// described says of every member of the file what it is, by the Go type and the member.
var described = map[string]string{
	"Snapshot.version":                    "Version of the format.",
	"Snapshot.coreNetworkId":              "Core network it was taken from.",
	"Snapshot.account":                    "Account of the core network's owner.",
	"Snapshot.policyVersionId":            "Version of the policy that was LIVE.",
	"Snapshot.policy":                     "Core network policy document.",
	"Snapshot.edges":                      "Edges that exist, as they were allocated. What the policy has beyond them is allocated as for a new core network.",
	"Snapshot.attachments":                "What is attached to the core network, the oldest first.",
	"Snapshot.prefixLists":                "Entries of prefix lists, by the alias that routing policies use.",
	"Edge.location":                       "AWS Region of the edge.",
	"Edge.asn":                            "ASN of the edge.",
	"Edge.insideCidrBlocks":               "Blocks that inside addresses of Connect peers are taken from.",
	"Attachment.id":                       "Id, unique in the file.",
	"Attachment.type":                     "Type, as attachment policies call it.",
	"Attachment.state":                    "State, as the API calls it; AVAILABLE when it is absent.",
	"Attachment.account":                  "Account that made it.",
	"Attachment.edges":                    "Edge locations: one, or several for a Direct Connect gateway.",
	"Attachment.resourceArn":              "ARN of the VPC, VPN connection, gateway or route table.",
	"Attachment.resourceId":               "Id of the same.",
	"Attachment.tags":                     "Tags, which attachment policies decide by.",
	"Attachment.routingPolicyLabel":       "Label that routing policies are chosen by.",
	"Attachment.peeringId":                "Of a transit gateway route table: the transit gateway peering.",
	"Attachment.peerAsn":                  "ASN of the BGP peer behind the attachment.",
	"Attachment.tunnelLess":               "A Connect attachment without encapsulation.",
	"Attachment.subnetArns":               "Of a VPC attachment: its subnets, one in each Availability Zone.",
	"Attachment.options":                  "Options of a VPC attachment.",
	"VPCOptions.applianceMode":            "Whether both directions of a flow use one Availability Zone; false when it is absent.",
	"VPCOptions.dnsSupport":               "Whether DNS names of other VPCs resolve; true when it is absent.",
	"VPCOptions.ipv6Support":              "Whether IPv6 prefixes of the VPC are announced; false when it is absent.",
	"VPCOptions.securityGroupReferencing": "Whether security groups of other VPCs can be referenced; true when it is absent.",
	"Attachment.association":              "Association of the attachment; {}: not associated. When it is absent the attachment policies decide, and acceptance counts as given.",
	"Attachment.proposal":                 "Association that its tags ask for once their change is accepted.",
	"Attachment.announcements":            "Routes that the attachment offers.",
	"Attachment.peers":                    "Connect peers of a Connect attachment.",
	"Attachment.sessions":                 "BGP sessions that a server held in the tunnels of a VPN attachment. They are not read: a file holds none.",
	"Attachment.overridden":               "Routes heard on the sessions that the announcements take the place of.",
	"Attachment.nat":                      "1:1 NAT configuration.",
	"Attachment.sources":                  "Of an imported network: by prefix, which call it is known from.",
	"Peer.id":                             "Id, unique among peers and attachments.",
	"Peer.tags":                           "Tags.",
	"Peer.asn":                            "ASN of the peer; that of the edge for iBGP.",
	"Peer.announcements":                  "Routes that the peer announces.",
	"Peer.sessions":                       "BGP sessions that a server held with the peer. They are not read: a file holds none.",
	"Peer.overridden":                     "Routes heard on the sessions that the announcements take the place of.",
	"Session.coreNetworkAddress":          "Address of the core network.",
	"Session.up":                          "Whether the session is established.",
	"Session.reason":                      "Why it was last down.",
	"NAT.enabled":                         "Whether addresses are translated.",
	"NAT.systemRoutes":                    "Whether the core network routes the NAT CIDRs; when it is absent, it does except for Connect.",
	"NAT.rules":                           "What is translated.",
	"NATRule.ruleNumber":                  "Number, unique in the attachment.",
	"NATRule.matchSourceCidr":             "IPv4 block behind the attachment.",
	"NATRule.natCidr":                     "IPv4 block of the same size that the core network sees.",
	"Association.segment":                 "Segment.",
	"Association.networkFunctionGroup":    "Network function group.",
	"Association.ruleNumber":              "Rule of the attachment policies that decided.",
	"Announcement.prefix":                 "Prefix, without host bits.",
	"Announcement.edge":                   "Of a Direct Connect gateway: the only edge where it is offered.",
	"Announcement.asPath":                 "AS path, the nearest ASN first.",
	"Announcement.med":                    "MED; 100 when it is absent.",
	"Announcement.communities":            "BGP communities.",
}

// values are members that take one of a list.
var values = map[string][]string{"Attachment.type": attachmentTypes, "Attachment.state": states}

// Schema is the JSON Schema of the file format (draft 2020-12), made of the types that are read.
func Schema() ([]byte, error) {
	g := &schemaWriter{defs: map[string]any{}}
	if err := g.object(reflect.TypeFor[Snapshot]()); err != nil {
		return nil, err
	}
	root := g.defs["Snapshot"].(map[string]any)
	delete(g.defs, "Snapshot")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Portolan network snapshot"
	root["$defs"] = g.defs
	root["properties"].(map[string]any)["version"].(map[string]any)["const"] = FormatVersion
	text, err := json.Marshal(root, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(text, '\n'), err
}

type schemaWriter struct{ defs map[string]any }

// object adds the definition of a struct.
func (g *schemaWriter) object(t reflect.Type) error {
	if g.defs[t.Name()] != nil {
		return nil
	}
	properties, required := map[string]any{}, []string{}
	g.defs[t.Name()] = map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		at := t.Name() + "." + name
		schema, err := g.schema(f.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if described[at] == "" {
			return fmt.Errorf("%s: nothing says what it is", at)
		}
		schema["description"] = described[at]
		if list := values[at]; list != nil {
			schema["enum"] = list
		}
		properties[name] = schema
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	g.defs[t.Name()].(map[string]any)["required"] = required
	return nil
}

const prefixPattern = `^[0-9A-Fa-f:.]+/[0-9]{1,3}$`

func (g *schemaWriter) schema(t reflect.Type) (map[string]any, error) {
	switch t {
	case reflect.TypeFor[netip.Prefix]():
		return map[string]any{"type": "string", "pattern": prefixPattern}, nil
	case reflect.TypeFor[policy.Community]():
		return map[string]any{"type": "string"}, nil
	case reflect.TypeFor[jsontext.Value]():
		return map[string]any{"type": "object"}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32:
		return map[string]any{"type": "integer"}, nil
	case reflect.Uint32:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": uint32(1<<32 - 1)}, nil
	case reflect.Slice:
		items, err := g.schema(t.Elem())
		return map[string]any{"type": "array", "items": items}, err
	case reflect.Map:
		items, err := g.schema(t.Elem())
		return map[string]any{"type": "object", "additionalProperties": items}, err
	case reflect.Struct:
		return map[string]any{"$ref": "#/$defs/" + t.Name()}, g.object(t)
	}
	return nil, fmt.Errorf("no schema for %s", t)
}
