package state

import (
	"iter"
	"net/netip"
	"strings"

	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// The tables of what belongs to an account or a global network as a whole.
var (
	ClientTokens = clientTokens{newTable(lifecycle.ClientToken, func(*ClientToken) string { return "USED" }, store.Schema[*ClientToken]{Name: "client-token"})}

	RouteAnalyses = Members[*RouteAnalysis]{newTable(lifecycle.RouteAnalysis, func(r *RouteAnalysis) string { return string(r.Status) },
		store.Schema[*RouteAnalysis]{Name: "route-analysis"})}
	Metadata             = metadata{Members[*ResourceMetadata]{plainTable(store.Schema[*ResourceMetadata]{Name: "resource-metadata"})}}
	OrganizationAccesses = singles[*OrganizationAccess]{plainTable(store.Schema[*OrganizationAccess]{Name: "organization-access"})}
	SnapshotImports      = singles[*SnapshotImport]{plainTable(store.Schema[*SnapshotImport]{Name: "snapshot-import"})}
)

// singles are rows of which an account has one: /acct/A/TABLE.
type singles[R any] struct{ Table[R] }

// Key is the key of the account's row.
func (t *singles[R]) Key(account string) Key[R] { return Key[R]{accountKey(account, t.rows.Name())} }

type clientTokens struct{ Table[*ClientToken] }

func (t *clientTokens) key(account, operation, token string) Key[*ClientToken] {
	return Key[*ClientToken]{accountKey(account, "client-token", operation, token)}
}

// ResourceMetadata is the row of what UpdateNetworkResourceMetadata stored for a resource.
type ResourceMetadata map[string]string

type metadata struct{ Members[*ResourceMetadata] }

// All walks the metadata of the resources of a global network, by the path of their ARNs; see [ResourcePath].
func (t *metadata) All(v *View, account, gn string) iter.Seq2[string, *ResourceMetadata] {
	return func(yield func(string, *ResourceMetadata) bool) {
		in := t.In(account, gn)
		for key, row := range t.Rows(v, in, "") {
			if !yield("/"+strings.TrimPrefix(key, in.prefix), row) {
				return
			}
		}
	}
}

// ResourcePath is how an ARN stands in the keys of metadata.
func ResourcePath(arn string) string { return store.Path(arn) }

// OrganizationAccess is the row of an account that ever asked for trusted access.
type OrganizationAccess struct {
	Status string `json:"status"` // ENABLED or DISABLED
}

// SnapshotImport is the row of the snapshot that an account began with.
type SnapshotImport struct {
	Digest string   `json:"Digest"` // of the snapshot as JSON
	Import Imported `json:"Import"`
}

// Imported is what became of a snapshot.
type Imported struct {
	Account         string            `json:"Account"`
	GlobalNetworkID string            `json:"GlobalNetworkID"`
	CoreNetworkID   string            `json:"CoreNetworkID"`
	IDs             map[string]string `json:"IDs"` // that were given in the place of names, by the name
}

// The tables of what has been published in events that no operation makes.
var (
	RoutesPublished = roots[*PublishedRoutes]{plainTable(store.Schema[*PublishedRoutes]{
		Name: "published-routes",
		Indexes: []store.Index[*PublishedRoutes]{
			// A core network may be gone that there is still something to publish of.
			{Name: "network", Keys: func(key string, _ *PublishedRoutes) []string {
				return []string{publishedIndex + networkOfKey(key).ID}
			}},
		},
	})}
	PublishedPolicies    = roots[*PublishedPolicy]{plainTable(store.Schema[*PublishedPolicy]{Name: "published-policy"})}
	PublishedAttachments = Members[*PublishedAttachment]{plainTable(store.Schema[*PublishedAttachment]{Name: "published-attachment"})}
	publishedChanges     = Members[*PublishedChange]{plainTable(store.Schema[*PublishedChange]{Name: "published-change"})}
	Externals            = roots[*External]{plainTable(store.Schema[*External]{Name: "external"})}
	ExternalTables       = Members[*ExternalTable]{plainTable(store.Schema[*ExternalTable]{Name: "external-table"})}
)

const publishedIndex = "/published/"

// PublishedRoutes is the row that says up to where the routes of a core network have been published.
type PublishedRoutes struct {
	Sequence   uint64 `json:"Sequence"`   // moves with every publication
	Generation uint64 `json:"Generation"` // of the state that was published
	Number     int64  `json:"Number"`     // the sequenceNumber of the last event
}

// PublishedPolicy is the row of what the tables that were published were computed from, besides attachments.
type PublishedPolicy struct {
	CoreNetworkArn  string                    `json:"CoreNetworkArn"`
	GlobalNetworkId string                    `json:"GlobalNetworkId"`
	Document        string                    `json:"Document"`
	Edges           []CoreNetworkEdge         `json:"Edges"`
	PrefixLists     map[string][]netip.Prefix `json:"PrefixLists"`
}

// External is the row of what was seen outside for a global network.
type External struct {
	Gateways map[string]ExternalGateway `json:"Gateways,omitempty"` // by ARN
	Attached map[string]ExternalVPN     `json:"Attached,omitempty"` // by the Site-to-Site VPN attachment of the core network
	Number   int64                      `json:"Number,omitzero"`    // the sequenceNumber of the last event about routes
}

// ExternalGateway is a transit gateway as it was seen.
type ExternalGateway struct {
	Missing      bool                          `json:"Missing,omitzero"`
	Attachments  map[string]ExternalAttachment `json:"Attachments,omitempty"`  // by ARN
	ConnectPeers []string                      `json:"ConnectPeers,omitempty"` // ARNs
	VPNs         map[string]ExternalVPN        `json:"VPNs,omitempty"`         // by ARN of the attachment
}

// ExternalAttachment is an attachment of a transit gateway as it was seen.
type ExternalAttachment struct {
	Type       string `json:"Type"`
	Resource   string `json:"Resource"`
	RouteTable string `json:"RouteTable"`
}

// ExternalVPN is a VPN connection as it was seen.
type ExternalVPN struct {
	ARN             string                    `json:"ARN"`
	CustomerGateway string                    `json:"CustomerGateway"`
	PeerASN         uint32                    `json:"PeerASN"`
	Static          bool                      `json:"Static"`
	Tunnels         map[string]ExternalTunnel `json:"Tunnels,omitempty"` // by outside address
}

// ExternalTunnel is a tunnel as it was seen.
type ExternalTunnel struct {
	IPsec bool `json:"IPsec"`
	BGP   bool `json:"BGP"`
}

// ExternalTable is a transit gateway route table as it was published: the JSON of each route in an event, by prefix.
type ExternalTable struct {
	ARN     string            `json:"ARN"`
	Gateway string            `json:"Gateway"`
	Routes  map[string]string `json:"Routes,omitempty"`
}
