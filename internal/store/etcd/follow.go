package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"portolan/internal/store"
)

type stored = mvccpb.KeyValue

// scan reads a range at one revision, the newest for 0, in pages of some thirty megabytes, and returns the revision. While f
// takes one page the next is on its way.
func (c *cluster) scan(ctx context.Context, from, to string, revision int64, f func(*stored) error) (int64, error) {
	const pageBytes, most = 32 << 20, 100_000 // etcd 3.4 walks all that is left of the range for each page
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for next := c.page(ctx, c.key(from), to, revision, 200); ; {
		page := <-next
		if page.err != nil {
			return 0, page.err
		}
		revision = cmp.Or(revision, page.Header.Revision)
		if page.More {
			bytes := 1
			for _, kv := range page.Kvs {
				bytes += len(kv.Key) + len(kv.Value)
			}
			limit := min(max(pageBytes/(bytes/len(page.Kvs)+1), 8), most)
			next = c.page(ctx, string(page.Kvs[len(page.Kvs)-1].Key)+"\x00", to, revision, limit)
		}
		for _, kv := range page.Kvs {
			if err := f(kv); err != nil {
				return 0, err
			}
		}
		if !page.More {
			return revision, nil
		}
	}
}

// page is part of a range, or why there is none.
type page struct {
	*clientv3.GetResponse
	err error
}

// page asks for part of a range.
func (c *cluster) page(ctx context.Context, from, to string, revision int64, limit int) <-chan page {
	got := make(chan page, 1)
	go func() {
		response, err := c.get(ctx, from, clientv3.WithRange(c.key(to)), clientv3.WithRev(revision), clientv3.WithLimit(int64(limit)))
		got <- page{response, err}
	}()
	return got
}

// Load reads all entries of the newest revision.
func (c *cluster) Load(ctx context.Context, add func(store.Entry)) (uint64, error) {
	for {
		revision, err := c.load(ctx, add)
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return revisionOf(revision), err
		}
	}
}

func (c *cluster) load(ctx context.Context, add func(store.Entry)) (int64, error) {
	c.loose = map[string]map[string][]byte{}
	newest, err := c.get(ctx, c.key("m/format"))
	if err != nil {
		return 0, err
	}
	revision := newest.Header.Revision
	if _, err := c.scan(ctx, "p/", "p0", revision, func(kv *stored) error {
		c.piece(strings.TrimPrefix(string(kv.Key), c.key("p/")), kv.Value)
		return nil
	}); err != nil {
		return 0, err
	}
	return c.scan(ctx, "d", "e", revision, func(kv *stored) error {
		key := strings.TrimPrefix(string(kv.Key), c.key("d"))
		value, err := c.value(key, kv.Value)
		if err == nil {
			add(store.Entry{Key: key, Value: value, Revision: revisionOf(kv.ModRevision)})
		}
		return err
	})
}

// Follow watches the prefix. Where the member it is connected to has no leader, or is gone, it goes on at another.
func (c *cluster) Follow(ctx context.Context, after uint64, apply func(store.Applied)) error {
	for ctx.Err() == nil {
		err := c.watch(ctx, &after, apply)
		pause(ctx, retryPause) // also before the caller tries again
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// watch follows until the watch ends. It fails only where going on would lose commits.
func (c *cluster) watch(ctx context.Context, after *uint64, apply func(store.Applied)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ch := c.client.Watch(clientv3.WithRequireLeader(ctx), c.key(""), clientv3.WithPrefix(), clientv3.WithRev(int64(*after)+1))
	for got := range ch {
		if got.CompactRevision > 0 {
			return store.ErrCompacted
		}
		if got.Err() != nil {
			return nil
		}
		for events := got.Events; len(events) > 0; {
			revision := events[0].Kv.ModRevision
			n := 1
			for n < len(events) && events[n].Kv.ModRevision == revision {
				n++
			}
			updates, err := c.updates(events[:n])
			if err != nil {
				return fmt.Errorf("revision %d: %w", revision, err)
			}
			*after = revisionOf(revision)
			apply(store.Applied{Revision: *after, Updates: updates})
			events = events[n:]
		}
	}
	return nil
}

// updates are the updates of one revision.
func (c *cluster) updates(events []*clientv3.Event) ([][]store.Change, error) {
	var changes []store.Change
	var head []byte
	final := map[string][]byte{}
	for _, ev := range events {
		value := ev.Kv.Value
		if ev.Type == clientv3.EventTypeDelete {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		key := string(ev.Kv.Key)
		switch {
		case key == c.headKey():
			head = value
		case strings.HasPrefix(key, c.key("p/")):
			c.piece(strings.TrimPrefix(key, c.key("p/")), value)
		case strings.HasPrefix(key, c.key("d")):
			key = strings.TrimPrefix(key, c.key("d"))
			got, err := c.value(key, value)
			if err != nil {
				return nil, err
			}
			final[key] = got
			changes = append(changes, store.Change{Key: key, Value: got})
		}
	}
	if len(head) > 0 {
		return decodeUpdates(head, final)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return [][]store.Change{changes}, nil
}
