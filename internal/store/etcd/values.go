package etcd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"portolan/internal/store"
)

// How an entry is stored.
const (
	whole    = '='
	inPieces = '+'
)

// errGarbled says that an entry is none that this package wrote.
var errGarbled = errors.New("an entry in etcd is not in the layout of Portolan")

func (c *cluster) inPieces(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pieces[key]
}

// putPieces writes a value in pieces and returns how many there are.
func (c *cluster) putPieces(ctx context.Context, id string, value []byte) (int, error) {
	count := 0
	for piece := range slices.Chunk(value, pieceMax) {
		key := c.key("p/", id, fmt.Sprintf("/%04d", count))
		if err := again(ctx, func(ctx context.Context) error {
			_, err := c.client.Put(ctx, key, string(piece))
			return err
		}); err != nil {
			return 0, err
		}
		count++
	}
	return count, nil
}

// takeBack deletes the pieces of the last proposal, which was not made and never will be. What cannot be deleted is swept later.
func (c *cluster) takeBack(ctx context.Context) {
	for _, id := range c.put {
		_, _ = c.client.Delete(ctx, c.key("p/", id, "/"), clientv3.WithPrefix())
	}
}

// piece takes a piece in, or forgets it when it is nil. rest is the key behind "p/".
func (c *cluster) piece(rest string, value []byte) {
	id, n, _ := strings.Cut(rest, "/")
	if value == nil {
		delete(c.loose[id], n)
		if len(c.loose[id]) == 0 {
			delete(c.loose, id)
		}
		return
	}
	if c.loose[id] == nil {
		c.loose[id] = map[string][]byte{}
	}
	c.loose[id][n] = value
}

// value is what the entry of a key holds, nil when it was deleted.
func (c *cluster) value(key string, stored []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pieces, key)
	switch {
	case stored == nil:
		return nil, nil
	case len(stored) > 0 && stored[0] == whole:
		return stored[1:], nil
	case len(stored) == 0 || stored[0] != inPieces:
		return nil, fmt.Errorf("%w: key %.200q", errGarbled, key)
	}
	var count int
	var id string
	if _, err := fmt.Sscanf(string(stored[1:]), "%d %s", &count, &id); err != nil {
		return nil, fmt.Errorf("%w: key %.200q", errGarbled, key)
	}
	out := []byte{}
	for n := range count {
		piece, ok := c.loose[id][fmt.Sprintf("%04d", n)]
		if !ok {
			return nil, fmt.Errorf("%w: piece %d of key %.200q is missing", errGarbled, n, key)
		}
		out = append(out, piece...)
	}
	delete(c.loose, id)
	c.pieces[key] = id
	return out, nil
}

// How a change stands in the list of updates: with the value that the commit leaves, with one that a later update of the
// commit replaced, or as a deletion.
const (
	finalValue = iota
	ownValue
	deletion
)

// encodeUpdates keeps the updates of a commit apart, so that watchers on every server see each.
func encodeUpdates(updates [][]store.Change) []byte {
	last := map[string]int{}
	for i, changes := range updates {
		for _, c := range changes {
			last[c.Key] = i
		}
	}
	out := binary.AppendUvarint(nil, uint64(len(updates)))
	for i, changes := range updates {
		out = binary.AppendUvarint(out, uint64(len(changes)))
		for _, c := range changes {
			out = appendBytes(out, c.Key)
			switch {
			case c.Value == nil:
				out = append(out, deletion)
			case last[c.Key] == i:
				out = append(out, finalValue)
			default:
				out = appendBytes(append(out, ownValue), string(c.Value))
			}
		}
	}
	return out
}

func appendBytes(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// decodeUpdates is the reverse. final are the values that the commit left.
func decodeUpdates(b []byte, final map[string][]byte) ([][]store.Change, error) {
	d := decoder{b: b}
	updates := make([][]store.Change, 0, min(d.number(), len(b)))
	for range cap(updates) {
		changes := make([]store.Change, 0, min(d.number(), len(d.b)))
		for range cap(changes) {
			c := store.Change{Key: string(d.bytes())}
			switch d.byte() {
			case finalValue:
				c.Value = final[c.Key]
				if c.Value == nil {
					d.bad = true
				}
			case ownValue:
				c.Value = append([]byte{}, d.bytes()...)
			case deletion:
			default:
				d.bad = true
			}
			changes = append(changes, c)
			if d.bad {
				return nil, fmt.Errorf("%w: the list of updates", errGarbled)
			}
		}
		updates = append(updates, changes)
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: the list of updates", errGarbled)
	}
	return updates, nil
}

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) number() int {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > 1<<32 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.number()
	if n > len(d.b) {
		d.bad, d.b = true, nil
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	out := d.b[0]
	d.b = d.b[1:]
	return out
}

// sweep removes what servers left that are gone: their tokens, and pieces of values that they never committed.
func (c *cluster) sweep(ctx context.Context) error {
	alive := map[string]bool{c.opts.Server: true}
	servers, err := c.get(ctx, c.key("m/server/"), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	for _, kv := range servers.Kvs {
		alive[strings.TrimPrefix(string(kv.Key), c.key("m/server/"))] = true
	}
	tokens, err := c.get(ctx, c.key("m/token/"), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	for _, kv := range tokens.Kvs {
		server := strings.TrimPrefix(string(kv.Key), c.key("m/token/"))
		if alive[server] {
			continue
		}
		// The token goes first: a server that still runs can then commit nothing before it has noticed, so that no entry
		// comes to lead to pieces that are deleted here.
		if err := again(ctx, func(ctx context.Context) error {
			_, err := c.client.Delete(ctx, string(kv.Key))
			return err
		}); err != nil {
			return err
		}
		if err := c.sweepPieces(ctx, server); err != nil {
			return err
		}
	}
	return nil
}

// sweepPieces deletes the pieces of a server that no entry leads to.
func (c *cluster) sweepPieces(ctx context.Context, server string) error {
	pieces, err := c.get(ctx, c.key("p/", server, "-"), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil || len(pieces.Kvs) == 0 {
		return err
	}
	used := map[string]bool{}
	if _, err := c.scan(ctx, "d", "e", 0, func(kv *stored) error {
		if len(kv.Value) > 0 && kv.Value[0] == inPieces {
			_, id, _ := strings.Cut(string(kv.Value[1:]), " ")
			used[id] = true
		}
		return nil
	}); err != nil {
		return err
	}
	for _, kv := range pieces.Kvs {
		id, _, _ := strings.Cut(strings.TrimPrefix(string(kv.Key), c.key("p/")), "/")
		if used[id] || strings.Count(id[len(server)+1:], "-") > 2 { // a server has this one's name and a number as its own
			continue
		}
		gone := clientv3.Compare(clientv3.CreateRevision(c.key("m/token/", server)), "=", 0)
		if err := again(ctx, func(ctx context.Context) error {
			_, err := c.client.Txn(ctx).If(gone).Then(clientv3.OpDelete(string(kv.Key))).Commit()
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
