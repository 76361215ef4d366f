package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"portolan/internal/store"
)

// lease is what everything hangs on that is to go away with the server.
type lease struct {
	id    clientv3.LeaseID
	ended chan struct{} // closed when it was not kept alive any more
}

// enter takes a lease and enters the server: under its name, and at a slot.
func (c *cluster) enter(ctx, background context.Context) error {
	granted, err := c.client.Grant(ctx, leaseSeconds)
	if err != nil {
		return err
	}
	l := &lease{id: granted.ID, ended: make(chan struct{})}
	if _, err := c.client.Put(ctx, c.key("m/server/", c.opts.Server), c.opts.About, clientv3.WithLease(l.id)); err != nil {
		return err
	}
	if err := c.takeSlot(ctx, l); err != nil {
		return err
	}
	alive, err := c.client.KeepAlive(background, l.id)
	if err != nil {
		return err
	}
	c.lease.Store(l)
	c.wait.Go(func() {
		defer close(l.ended)
		for range alive { // until the lease has ended
		}
	})
	return nil
}

// stayEntered takes a new lease when the old one has ended, and gives the last one back.
func (c *cluster) stayEntered(ctx context.Context) {
	for {
		l := c.lease.Load()
		<-l.ended
		if ctx.Err() != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
			_, _ = c.client.Revoke(ctx, l.id) // it ends by itself otherwise
			cancel()
			return
		}
		call, cancel := context.WithTimeout(ctx, dialTimeout)
		_ = c.enter(call, ctx) // tried again
		cancel()
		pause(ctx, retryPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// takeSlot takes the first slot that is free, beginning with the one the server had.
func (c *cluster) takeSlot(ctx context.Context, l *lease) error {
	const slots = 1 << store.SlotBits
	for i := range uint64(slots) {
		slot := (c.slot.Load() + i) % slots
		key := c.key("m/slot/", fmt.Sprintf("%02d", slot))
		got, err := c.client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, c.opts.Server, clientv3.WithLease(l.id))).Commit()
		if err != nil {
			return err
		}
		if got.Succeeded {
			c.slot.Store(slot)
			return nil
		}
	}
	return fmt.Errorf("%d servers share the store, which is as many as can", slots)
}

// Slot is the number of the server.
func (c *cluster) Slot() uint64 { return c.slot.Load() }

// Own waits until no other server owns the name, takes it, and runs f until ctx ends or the name is lost; then it waits again.
func (c *cluster) Own(ctx context.Context, name string, f func(context.Context, store.Fence)) error {
	for ctx.Err() == nil {
		fence, l, err := c.take(ctx, name)
		if err != nil {
			pause(ctx, retryPause)
			continue
		}
		owned, lose := context.WithCancel(ctx)
		go func() {
			select {
			case <-l.ended:
				lose()
			case <-owned.Done():
			}
		}()
		f(owned, fence)
		lose()
		c.release(ctx, fence)
		pause(ctx, retryPause)
	}
	return ctx.Err()
}

// errTaken says that a name is another server's.
var errTaken = errors.New("another server owns it")

// take waits for the name and takes it.
func (c *cluster) take(ctx context.Context, name string) (store.Fence, *lease, error) {
	key := c.key("m/owner/", name)
	l := c.lease.Load()
	got, err := c.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, c.opts.Server, clientv3.WithLease(l.id))).Commit()
	if err != nil {
		return store.Fence{}, nil, err
	}
	if got.Succeeded {
		return store.Fence{Key: key, Revision: revisionOf(got.Header.Revision)}, l, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for changes := range c.client.Watch(clientv3.WithRequireLeader(ctx), key, clientv3.WithRev(got.Header.Revision+1)) {
		for _, ev := range changes.Events {
			if ev.Type == clientv3.EventTypeDelete {
				return store.Fence{}, nil, errTaken // until now
			}
		}
	}
	return store.Fence{}, nil, errTaken
}

// release gives a name back, if it is still this server's.
func (c *cluster) release(ctx context.Context, f store.Fence) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, _ = c.client.Txn(ctx). // it goes away with the lease otherwise
					If(clientv3.Compare(clientv3.CreateRevision(f.Key), "=", int64(f.Revision))).
					Then(clientv3.OpDelete(f.Key)).Commit()
}

// Status asks every member of the cluster.
func (c *cluster) Status(ctx context.Context) (*store.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out := &store.Status{Server: c.opts.Server, Servers: map[string]string{}, Owners: map[string]string{}}
	for name, into := range map[string]map[string]string{"m/server/": out.Servers, "m/owner/": out.Owners} {
		got, err := c.client.Get(ctx, c.key(name), clientv3.WithPrefix())
		if err != nil {
			return nil, err
		}
		for _, kv := range got.Kvs {
			into[strings.TrimPrefix(string(kv.Key), c.key(name))] = string(kv.Value)
		}
	}
	if c.opts.Member != nil {
		var err error
		out.Members, err = c.ownMembers(ctx)
		return out, err
	}
	for _, endpoint := range c.client.Endpoints() {
		m := store.MemberStatus{Endpoint: endpoint}
		if got, err := c.client.Status(ctx, endpoint); err != nil {
			m.Error = err.Error()
		} else {
			m.ID, m.Leader = fmt.Sprintf("%x", got.Header.MemberId), got.Leader == got.Header.MemberId
			m.Version, m.Bytes = got.Version, got.DbSize
		}
		out.Members = append(out.Members, m)
	}
	return out, nil
}
