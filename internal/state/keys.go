package state

import (
	"strings"

	"portolan/internal/store"
)

// accountKey is the key of a row of the account, below the table's name.
func accountKey(account, table string, path ...string) string {
	var room [160]byte
	return string(store.AppendPath(store.AppendPath(room[:0], "acct", account, table), path...))
}

// accountOf is the account a row key belongs to.
func accountOf(key string) string {
	_, rest, _ := strings.Cut(key, "/acct/")
	account, _, _ := strings.Cut(rest, "/")
	return account
}

// splitKey cuts /acct/A/TABLE/PARENT…/REST after the table name and after the given number of parents.
func splitKey(key string, parents int) (account, table, parentPath, rest string) {
	f := strings.SplitN(key, "/", 5) // "", acct, A, TABLE, rest
	account, table, rest = f[2], f[3], "/"+f[4]
	end := 0
	for range parents {
		next := strings.IndexByte(rest[end+1:], '/')
		if next < 0 {
			end = len(rest)
			break
		}
		end += 1 + next
	}
	return account, table, rest[:end], rest[end:]
}

// entry is the index key of a row for the given values, kept below the row's first parents: the index "site" of
// /acct/A/device/GN/D with value S is /acct/A/device.site/GN/S/D. An empty value means the row is not in the index.
func entry(key, index string, parents int, values ...string) []string {
	for _, v := range values {
		if v == "" {
			return nil
		}
	}
	account, table, parentPath, rest := splitKey(key, parents)
	return []string{"/acct/" + account + "/" + table + "." + index + parentPath + store.Path(values...) + rest}
}

// counter is the key that counts the rows of a table below the first parents of key.
func counter(key string, parents int) string {
	account, table, parentPath, _ := splitKey(key, parents)
	return "/acct/" + account + "/" + table + ".count" + parentPath
}

// idKey finds a row that any account may ask for by its id alone.
func idKey(id string) string { return store.Path("id", id) }

// resourceKey is where the attachments of one resource outside are found, on whosever core networks they are.
func resourceKey(resource string) string { return store.Path("resource", resource) }

// registeredKey is where the registration of a transit gateway is found, with whosever global network.
func registeredKey(gateway string) string { return store.Path("registered", gateway) }

// guestEntry indexes what one account keeps on another's core network below the account that made it.
func guestEntry(key, table, maker string, path ...string) []string {
	if maker == accountOf(key) {
		return nil
	}
	return []string{accountKey(maker, table+".guest", path...)}
}
