package etcd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"portolan/internal/store"
)

// TestSettled: a change of the members waits while a cluster settles, and what is refused for good is refused at once.
func TestSettled(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name  string
		tries []error // of the first tries; those after succeed
		want  error
		made  int
	}{
		{name: "at once", made: 1},
		{name: "the cluster elects a leader", tries: []error{rpctypes.ErrNoLeader, rpctypes.ErrLeaderChanged, rpctypes.ErrTimeoutDueToLeaderFail}, made: 4},
		{name: "the members have just started", tries: []error{rpctypes.ErrGRPCUnhealthy, rpctypes.ErrMemberNotEnoughStarted}, made: 3},
		{name: "a try is never answered", tries: []error{nil}, made: 2},
		{name: "another member is joining", tries: []error{rpctypes.ErrTooManyLearners}, want: store.ErrNoMember, made: 1},
		{name: "refused", tries: []error{refused}, want: refused, made: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				made := 0
				err := settled(t.Context(), func(ctx context.Context) error {
					if made++; made > len(c.tries) {
						return nil
					}
					if err := c.tries[made-1]; err != nil {
						return err
					}
					<-ctx.Done()
					return ctx.Err()
				})
				if !errors.Is(err, c.want) || made != c.made {
					t.Errorf("got %v after %d tries, want %v after %d", err, made, c.want, c.made)
				}
			})
		})
	}
	t.Run("a cluster that never settles", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			err := settled(t.Context(), func(context.Context) error { return rpctypes.ErrUnhealthy })
			if !errors.Is(err, store.ErrNoMember) || !errors.Is(err, rpctypes.ErrUnhealthy) {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("the client goes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := settled(ctx, func(context.Context) error { cancel(); return rpctypes.ErrUnhealthy })
			if errors.Is(err, store.ErrNoMember) || err == nil {
				t.Errorf("got %v", err)
			}
		})
	})
}

// TestAgain: a change of the beginning waits while the cluster elects a leader, and is given up with the context or when the cluster
// refuses it.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := []error{rpctypes.ErrLeaderChanged, rpctypes.ErrTimeout, nil, rpctypes.ErrPermissionDenied}
		made := 0
		err := again(t.Context(), func(ctx context.Context) error {
			if made++; tries[made-1] == nil { // never answered
				<-ctx.Done()
				return ctx.Err()
			}
			return tries[made-1]
		})
		if !errors.Is(err, rpctypes.ErrPermissionDenied) || made != len(tries) {
			t.Errorf("got %v after %d tries", err, made)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = again(ctx, func(context.Context) error {
			made++
			cancel()
			return rpctypes.ErrLeaderChanged
		})
		if !errors.Is(err, rpctypes.ErrLeaderChanged) || made != len(tries)+1 {
			t.Errorf("got %v after %d tries, with a context that ended", err, made)
		}
	})
}
