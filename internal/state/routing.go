package state

import (
	"iter"
	"strings"

	"portolan/internal/store"
)

// NetworkID names a core network with the account it is in.
type NetworkID struct{ Account, ID string }

// networkOfKey is the core network of a key below /acct/ACCOUNT/TABLE/CORE-NETWORK.
func networkOfKey(key string) NetworkID {
	account, _, parent, _ := splitKey(key, 1)
	return NetworkID{account, strings.TrimPrefix(parent, "/")}
}

// ID is the core network with its account.
func (r *CoreNetwork) ID() NetworkID { return NetworkID{r.OwnerAccountId, r.CoreNetworkId} }

// routingGeneration is the key of what moves whenever the routes of a core network may have changed.
func routingGeneration(account, coreNetwork string) string {
	return accountKey(account, "routing-generation", coreNetwork)
}

// RoutingGeneration grows whenever what the routes of a core network depend on has changed.
func (v *View) RoutingGeneration(n NetworkID) uint64 {
	return store.Generation(v.r, routingGeneration(n.Account, n.ID))
}

// ForgetRouting removes the generation of a core network that is gone.
func (tx *Txn) ForgetRouting(n NetworkID) {
	store.Forget(tx.w, routingGeneration(n.Account, n.ID))
}

// MovedAttachments are the ids of the attachments that changed, or whose announcements did, since a generation, and of the Connect peers
// and attachments of which the row of their BGP sessions alone did. It is false when that does not tell everything.
func (v *View) MovedAttachments(n NetworkID, since uint64) (ids, heard map[string]bool, ok bool) {
	moved, ok := store.Moved(v.r, routingGeneration(n.Account, n.ID), since)
	if !ok {
		return nil, nil, false
	}
	ids, heard = map[string]bool{}, map[string]bool{}
	for _, key := range moved {
		_, table, parent, id := splitKey(key, 1)
		switch id = strings.TrimPrefix(id, "/"); table {
		case "attachment":
			ids[id] = true
		case "connect-peer-bgp":
			heard[id] = true
		case "announcements":
			if peer, isPeer := ConnectPeers.ByID(v, id); isPeer {
				id = peer.ConnectAttachmentId
			}
			ids[id] = true // of a peer that is gone: the peer itself moved, too
		case "connect-peer":
			ids[strings.TrimPrefix(parent, "/")] = true
		case "core-network", "prefix-list-association":
		default:
			return nil, nil, false
		}
	}
	return ids, heard, true
}

// AttachmentsSince tells whether no attachment of a core network has changed since a generation of its routes, as far as that can
// be told.
func (v *View) AttachmentsSince(n NetworkID, generation uint64) (same bool) {
	ids, _, ok := v.MovedAttachments(n, generation)
	return ok && len(ids) == 0
}

// RoutedNetworks are the core networks of an account, or of all when it is "", and those that are gone whose routes were
// published.
func (v *View) RoutedNetworks(account string) map[NetworkID]bool {
	networks := map[NetworkID]bool{}
	if account != "" {
		for key := range CoreNetworks.Rows(v, CoreNetworks.Of(account), "") {
			networks[networkOfKey(key)] = true
		}
		for key := range RoutesPublished.Rows(v, RoutesPublished.Of(account), "") {
			networks[networkOfKey(key)] = true
		}
		return networks
	}
	for _, row := range CoreNetworks.Rows(v, CoreNetworks.All(), "") {
		networks[row.ID()] = true
	}
	for entry := range v.r.Scan(publishedIndex, "") {
		if key, ok := RoutesPublished.rows.KeyAt(v.r, entry); ok {
			networks[networkOfKey(key)] = true
		}
	}
	return networks
}

// RoutesTouched adds the core networks whose routes a commit may have changed.
func RoutesTouched(commit store.Commit, into map[NetworkID]bool) {
	for i := range commit.Changes {
		if key := commit.Changes[i].Key; strings.Contains(key, "/routing-generation/") {
			into[networkOfKey(key)] = true
		}
	}
}

// Accounts walks the accounts that have anything.
func (v *View) Accounts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for after, more := "", true; more; {
			more = false
			for key := range v.r.Scan("/acct/", after) {
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

// ExternalNetworks walks the global networks of an account of which something outside has been published.
func (v *View) ExternalNetworks(account string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range Externals.Rows(v, Externals.Of(account), "") {
			if !yield(networkOfKey(key).ID) {
				return
			}
		}
	}
}
