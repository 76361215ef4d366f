package service

import (
	"context"

	"portolan/api"
	"portolan/internal/events"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// Reset removes everything an account has, or everything there is when account is "".
func (s *Service) Reset(ctx context.Context, account string) error {
	prefixes := []string{"/acct/", "/id/", "/resource/", "/registered/", "/shared/", announcedIndex}
	due := "/acct/"
	if account != "" {
		prefixes, due = []string{store.Path("acct", account) + "/"}, store.Path("acct", account)+"/"
	}
	return s.queue.Update(ctx, func(lc *lifecycle.Txn) error {
		tx := s.txn(lc, api.Caller{Account: account})
		if account != "" {
			dropIDs(tx)
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
		if account == "" {
			events.Clear(lc.Txn)
		}
		lc.Cancel(due)
		return nil
	})
}

// dropIDs removes the rows of the caller's account that are found by id from elsewhere, through their tables, so that
// their index entries go too.
func dropIDs(tx *Txn) {
	deleteAll(tx, attachments, tx.prefix("attachment"))
	deleteGuests(tx, attachments, tx.prefix("attachment.guest"), attachmentKey)
	deleteAll(tx, peerings, tx.prefix("peering"))
	deleteGuests(tx, peerings, tx.prefix("peering.guest"), (*peeringRow).key)
	deleteAll(tx, coreNetworks, tx.prefix("core-network"))
	deleteAll(tx, connectPeers, tx.prefix("connect-peer"))
	deleteAll(tx, tgwRegistrations, tx.prefix("tgw-registration"))
	deleteAll(tx, announcedRoutes, tx.prefix("announced-routes"))
}

// deleteGuests removes what the account has on other accounts' core networks.
func deleteGuests[T any](tx *Txn, table *store.Table[T], prefix string, key func(*T) string) {
	var keys []string
	for _, row := range table.ScanIndex(tx.r, prefix, "") {
		keys = append(keys, key(row))
	}
	for _, k := range keys {
		table.Delete(tx.w, k)
	}
}

func deleteAll[T any](tx *Txn, table *store.Table[T], prefix string) {
	var keys []string
	for key := range table.Scan(tx.r, prefix, "") {
		keys = append(keys, key)
	}
	for _, key := range keys {
		table.Delete(tx.w, key)
	}
}

// Check tells whether the state can be read and, where the store knows, whether it can be written.
func (s *Service) Check(ctx context.Context) error {
	if st, ok := s.store.(store.HealthChecker); ok {
		if err := st.Health(ctx); err != nil {
			return err
		}
	}
	return s.store.View(ctx, func(store.Reader) error { return nil })
}
