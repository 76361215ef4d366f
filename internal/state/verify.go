package state

import (
	"context"
	"strings"

	"portolan/internal/store"
)

// layoutTables are the tables that rows are in, by the third segment of their keys.
func layoutTables() map[string]store.Verifiable {
	tables := map[string]store.Verifiable{}
	for _, t := range []store.Verifiable{
		GlobalNetworks.rows, Sites.rows, Devices.rows, Links.rows, Connections.rows, LinkAssociations.rows, CustomerGatewayAssociations.rows,
		TransitGatewayConnectPeerAssociations.rows, ConnectPeerAssociations.rows, TransitGatewayRegistrations.rows,
		CoreNetworks.rows, PolicyVersions.rows, policyDocuments.rows, Executions.rows, Changes.rows, PrefixListAssociations.rows,
		Attachments.rows, Peerings.rows, ConnectPeers.rows, Announcements.rows, PeerBGPs.rows, heardRoutes.rows,
		ClientTokens.rows, RouteAnalyses.rows, Metadata.rows, OrganizationAccesses.rows, SnapshotImports.rows,
		RoutesPublished.rows, PublishedPolicies.rows, PublishedAttachments.rows, publishedChanges.rows, Externals.rows, ExternalTables.rows,
	} {
		tables[t.Name()] = t
	}
	return tables
}

// layout says what the keys of [schema.go] are, for checks of everything that is stored.
func layout() store.Layout {
	tables := layoutTables()
	shared := []string{store.Path("id", ""), store.Path("resource", ""), store.Path("registered", ""), store.Path("shared", ""), publishedIndex}
	return store.Layout{
		Table: func(key string) store.Verifiable { return tables[tableName(key)] },
		Index: func(key string) bool {
			for _, prefix := range shared {
				if strings.HasPrefix(key, prefix) {
					return true
				}
			}
			_, index, ok := strings.Cut(tableName(key), ".")
			return ok && index != "count"
		},
		Counter: func(key string) bool { return strings.HasSuffix(tableName(key), ".count") },
		Parents: parentsOf,
	}
}

// tableName is the third segment of a key of an account, "" of other keys.
func tableName(key string) string {
	rest, ok := strings.CutPrefix(key, "/acct/")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// parentsOf are the rows without which there must be no row with the key: the network or attachment it is kept below.
func parentsOf(key string) []string {
	account, _, _, rest := splitKey(key+"/", 0)
	parent, below, _ := strings.Cut(rest[1:], "/")
	if below == "" {
		return nil // is one itself
	}
	switch {
	case strings.HasPrefix(parent, "global-network-"):
		return []string{accountKey(account, "global-network", parent)}
	case strings.HasPrefix(parent, "core-network-"):
		return []string{accountKey(account, "core-network", parent)}
	case strings.HasPrefix(parent, "attachment-"):
		return []string{idKey(parent)}
	}
	return nil
}

// Verify compares everything that is stored with its index entries, counters and parents, and reports what contradicts.
func Verify(ctx context.Context, st store.Store, report func(store.Finding)) error {
	return st.View(ctx, func(r store.Reader) error {
		VerifyReader(r, report)
		return nil
	})
}

// VerifyReader is Verify for what is being read.
func VerifyReader(r store.Reader, report func(store.Finding)) { store.Verify(r, layout(), report) }
