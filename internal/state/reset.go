package state

import (
	"context"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// Reset removes everything an account has, or everything there is when account is "".
func (db *DB) Reset(ctx context.Context, account string) error {
	prefixes := []string{"/acct/", "/id/", "/resource/", "/registered/", "/shared/", publishedIndex}
	due := "/acct/"
	if account != "" {
		prefixes, due = []string{store.Path("acct", account) + "/"}, store.Path("acct", account)+"/"
	}
	return db.queue.Update(ctx, account, func(lc *lifecycle.Txn) error {
		tx := db.txn(lc, api.Caller{Account: account})
		if account != "" {
			dropIndexed(tx)
		}
		for _, prefix := range prefixes {
			var keys []string
			for key := range lc.Scan(prefix, "") {
				keys = append(keys, key)
			}
			for _, key := range keys {
				lc.Delete(key)
			}
		}
		events.Clear(lc.Txn, account)
		lc.Cancel(due)
		return tx.err
	})
}

// dropIndexed removes the rows of the caller's account that are found from elsewhere, through their tables, so that their
// index entries go too.
func dropIndexed(tx *Txn) {
	account := tx.Caller.Account
	Attachments.DeleteAll(tx, Attachments.Of(account))
	dropGuests(tx, Attachments.Table, Attachments.Guests(account, nil), (*Attachment).Key)
	Peerings.DeleteAll(tx, Peerings.Of(account))
	dropGuests(tx, Peerings.Table, Peerings.Guests(account, nil), (*Peering).Key)
	CoreNetworks.DeleteAll(tx, CoreNetworks.Of(account))
	ConnectPeers.DeleteAll(tx, ConnectPeers.Of(account))
	TransitGatewayRegistrations.DeleteAll(tx, TransitGatewayRegistrations.Of(account))
	RoutesPublished.DeleteAll(tx, RoutesPublished.Of(account))
}

// dropGuests removes what the account has on other accounts' core networks.
func dropGuests[R any](tx *Txn, t Table[R], in Range[R], key func(R) Key[R]) {
	var keys []Key[R]
	for _, row := range t.Rows(tx.View, in, "") {
		keys = append(keys, key(row))
	}
	for _, k := range keys {
		t.Delete(tx, k)
	}
}
