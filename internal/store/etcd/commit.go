package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"portolan/internal/store"
)

const (
	ownOps   = 4       // token, head, deletes and the condition on the token
	maxBytes = 1 << 20 // of one transaction; etcd's own limit is 1.5 MiB with all that gRPC adds
	pieceMax = 512 << 10
)

// Roomy takes each change to replace a value in pieces, and to be kept beside another of the same key, see [encodeUpdates].
func (c *cluster) Roomy(conditions, changes, bytes int) bool {
	return max(conditions, 2*changes) <= c.maxOps-ownOps && 2*bytes+16*changes <= maxBytes
}

// Fits compares a proposal with the limits of etcd.
func (c *cluster) Fits(p *store.Proposal) error {
	conditions, changes, bytes := len(p.Keys)+len(p.Ranges)+len(p.Fences), 0, 0
	for _, ch := range p.Net() {
		changes++
		bytes += len(ch.Key) + min(len(ch.Value), pieceMax)
		if len(ch.Value) > pieceMax {
			bytes -= pieceMax
		}
		if c.inPieces(ch.Key) != "" {
			changes++
		}
	}
	for _, k := range p.Keys {
		bytes += len(k.Key)
	}
	if len(p.Updates) > 1 {
		bytes += len(encodeUpdates(p.Updates))
	}
	switch {
	case max(conditions, changes) > c.maxOps-ownOps:
		return fmt.Errorf("%w: %d conditions and %d changes, the limit is %d of each (etcd's --max-txn-ops)",
			store.ErrTooLarge, conditions, changes, c.maxOps-ownOps)
	case bytes > maxBytes:
		return fmt.Errorf("%w: %d bytes, the limit is %d", store.ErrTooLarge, bytes, maxBytes)
	}
	return nil
}

// Commit makes one etcd transaction of the proposal.
func (c *cluster) Commit(ctx context.Context, p *store.Proposal) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	if c.unsettled {
		if _, err := c.settle(ctx); err != nil {
			return 0, err
		}
		return 0, store.ErrNotMade // what was read is older than what was settled
	}
	puts, err := c.operations(ctx, p)
	if err != nil {
		c.takeBack(ctx)
		return 0, err
	}
	call, done := context.WithTimeout(ctx, commitTimeout)
	defer done()
	got, err := c.client.Txn(call).If(c.conditions(p)...).Then(puts...).Else(c.reasons(p)...).Commit()
	switch {
	case err == nil && got.Succeeded:
		c.token++
		c.tokenRevision = revisionOf(got.Header.Revision)
		return c.tokenRevision, nil
	case err == nil:
		c.takeBack(ctx)
		return 0, c.conflict(ctx, p, got)
	case tooLarge(err):
		c.takeBack(ctx)
		return 0, fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case refused(err):
		c.takeBack(ctx)
		return 0, err
	}
	c.unsettled = true
	return c.settle(ctx)
}

// conditions are that nothing that was read has changed, and that nothing of this server is still under way.
func (c *cluster) conditions(p *store.Proposal) []clientv3.Cmp {
	newer := int64(p.Snapshot) + 1
	out := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(c.tokenKey()), "=", int64(c.tokenRevision))}
	for _, k := range p.Keys {
		out = append(out, clientv3.Compare(clientv3.ModRevision(c.key("d", k.Key)), "=", int64(k.Revision)))
	}
	for _, r := range p.Ranges {
		to := c.key("e")
		if r.To != "" {
			to = c.key("d", r.To)
		}
		out = append(out, clientv3.Compare(clientv3.ModRevision(c.key("d", r.From)).WithRange(to), "<", newer))
	}
	for _, f := range p.Fences {
		out = append(out, clientv3.Compare(clientv3.CreateRevision(f.Key), "=", int64(f.Revision)))
	}
	if p.Deletes {
		out = append(out, clientv3.Compare(clientv3.ModRevision(c.deleteKey()), "<", newer))
	}
	return out
}

// operations are the writes. Pieces of large values are written at once: nothing leads to them before the commit.
func (c *cluster) operations(ctx context.Context, p *store.Proposal) ([]clientv3.Op, error) {
	head := ""
	if len(p.Updates) > 1 {
		head = string(encodeUpdates(p.Updates))
	}
	out := []clientv3.Op{
		clientv3.OpPut(c.tokenKey(), strconv.FormatUint(c.token+1, 10)),
		clientv3.OpPut(c.headKey(), head),
	}
	deleted := false
	c.put = nil
	c.proposals++
	for n, ch := range p.Net() {
		if id := c.inPieces(ch.Key); id != "" {
			out = append(out, clientv3.OpDelete(c.key("p/", id, "/"), clientv3.WithPrefix()))
		}
		switch {
		case ch.Value == nil:
			deleted = true
			out = append(out, clientv3.OpDelete(c.key("d", ch.Key)))
		case len(ch.Value) > pieceMax:
			id := fmt.Sprintf("%s-%d-%d-%d", c.opts.Server, c.tokenRevision, c.proposals, n) // no other proposal has it, before a restart or after
			c.put = append(c.put, id)
			count, err := c.putPieces(ctx, id, ch.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, clientv3.OpPut(c.key("d", ch.Key), fmt.Sprintf("%c%d %s", inPieces, count, id)))
		default:
			out = append(out, clientv3.OpPut(c.key("d", ch.Key), string(whole)+string(ch.Value)))
		}
	}
	if deleted {
		out = append(out, clientv3.OpPut(c.deleteKey(), ""))
	}
	return out, nil
}

// reasons are what tells why a commit was refused: the server's token, then the fences.
func (c *cluster) reasons(p *store.Proposal) []clientv3.Op {
	out := []clientv3.Op{clientv3.OpGet(c.tokenKey())}
	for _, f := range p.Fences {
		out = append(out, clientv3.OpGet(f.Key))
	}
	return out
}

// conflict is a commit that etcd refused. When the server's token is not what it was, it is written anew.
func (c *cluster) conflict(ctx context.Context, p *store.Proposal, got *clientv3.TxnResponse) error {
	for i, f := range p.Fences {
		if kvs := got.Responses[i+1].GetResponseRange().Kvs; len(kvs) == 0 || revisionOf(kvs[0].CreateRevision) != f.Revision {
			return store.ErrNotOwner
		}
	}
	kvs := got.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 1 && revisionOf(kvs[0].ModRevision) == c.tokenRevision {
		return store.ErrConflict
	}
	c.unsettled = true
	if _, err := c.settle(ctx); err != nil {
		return err
	}
	return store.ErrNotMade
}

// settle finds out whether the last commit was made. If not, it raises the token, so that the commit fails should it still be
// on its way. It returns the revision of the commit, or [store.ErrNotMade].
func (c *cluster) settle(ctx context.Context) (uint64, error) {
	var revision uint64
	var made bool
	if err := tries(ctx, func(ctx context.Context) (err error) {
		revision, made, err = c.trySettle(ctx)
		return err
	}); err != nil {
		return 0, fmt.Errorf("%w: it is open whether the last commit was made: %w", store.ErrBroken, err)
	}
	c.unsettled = false
	c.token++
	c.tokenRevision = revision
	if made {
		return revision, nil
	}
	c.takeBack(ctx)
	return 0, store.ErrNotMade
}

// trySettle may be asked again while an earlier try is on its way: a try raises the token only from where it was.
func (c *cluster) trySettle(ctx context.Context) (revision uint64, made bool, err error) {
	key, next := c.tokenKey(), strconv.FormatUint(c.token+1, 10)
	settled := next + " settled" // not what a commit writes
	got, err := c.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", int64(c.tokenRevision))).
		Then(clientv3.OpPut(key, settled)).
		Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return 0, false, err
	}
	if got.Succeeded {
		return revisionOf(got.Header.Revision), false, nil
	}
	var at uint64
	var value string
	for _, kv := range got.Responses[0].GetResponseRange().Kvs {
		at, value = revisionOf(kv.ModRevision), string(kv.Value)
	}
	if value != next && value != settled {
		c.tokenRevision = at
		return 0, false, errors.New("the token of this server was written by another of its name")
	}
	return at, value == next, nil
}

// tooLarge reports whether etcd, or the connection, takes no transaction of that size.
func tooLarge(err error) bool {
	return errors.Is(err, rpctypes.ErrTooManyOps) || errors.Is(err, rpctypes.ErrRequestTooLarge)
}

// refused reports whether the cluster said that it did not make the transaction.
func refused(err error) bool {
	if errors.Is(err, rpctypes.ErrNoSpace) {
		return true
	}
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.ResourceExhausted:
		return true
	}
	return forbidden(err)
}

// forbidden reports whether the cluster takes nothing of the kind from this user.
func forbidden(err error) bool {
	code := codeOf(err)
	return code == codes.PermissionDenied || code == codes.Unauthenticated || code == codes.InvalidArgument
}

// codeOf is the code of an error of etcd, or of the connection to it.
func codeOf(err error) codes.Code {
	if known, ok := errors.AsType[rpctypes.EtcdError](err); ok {
		return known.Code()
	}
	return status.Code(err)
}
