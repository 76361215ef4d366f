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

func dueKey(at int64, row, state string) string {
	return fmt.Sprintf("%s%020d%s#%s", duePrefix, at, row, state)
}

// parseDueKey gives when an entry is due, and the key of its row with the state behind it.
func parseDueKey(key string) (at int64, row string, err error) {
	digits, row, _ := strings.Cut(strings.TrimPrefix(key, duePrefix), "/")
	if at, err = strconv.ParseInt(digits, 10, 64); err != nil {
		return 0, "", fmt.Errorf("lifecycle: malformed queue key %q", key)
	}
	return at, "/" + row, nil
}
