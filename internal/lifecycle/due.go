package lifecycle

import (
	"fmt"
	"strconv"
	"strings"
)

// Cancel deletes every entry whose row key has the prefix; used when a whole account is emptied.
func (tx *Txn) Cancel(rowPrefix string) {
	var keys []string
	for key := range tx.Scan(duePrefix, "") {
		if _, row, _ := strings.Cut(strings.TrimPrefix(key, duePrefix), "/"); strings.HasPrefix("/"+row, rowPrefix) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		tx.Delete(key)
	}
}

// dueKey is the key of an entry of a server with a mark, "" for none: entries are in the order of their times.
func dueKey(at int64, row, state, mark string) string {
	const zeros = "00000000000000000000"
	digits := strconv.FormatInt(at, 10)
	return duePrefix + zeros[min(len(digits), len(zeros)):] + digits + row + "#" + state + mark
}

// parseDueKey gives when an entry is due, and the key of its row with the state behind it.
func parseDueKey(key string) (at int64, row string, err error) {
	rest := strings.TrimPrefix(key, duePrefix)
	end := max(strings.IndexByte(rest, '/'), 0)
	if at, err = strconv.ParseInt(rest[:end], 10, 64); err != nil {
		return 0, "", fmt.Errorf("lifecycle: malformed queue key %q", key)
	}
	return at, rest[end:], nil
}
