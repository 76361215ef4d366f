package etcd

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"portolan/internal/store"
	"portolan/internal/store/etcd/etcdtest"
)

// TestUnanswered_saysWhy: who waits for a cluster in vain is told what each address does, not that time is over.
func TestUnanswered_saysWhy(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	c := &cluster{opts: Options{Endpoints: []string{etcdtest.FreeAddress(), silent.Addr().String()}}}
	got := c.unanswered(t.Context(), fmt.Errorf("a request: %w", context.DeadlineExceeded)).Error()
	for _, want := range []string{"no answer within 20s: " + c.opts.Endpoints[0], "connection refused", c.opts.Endpoints[1] + ": connections are taken, but requests are not answered"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if got := c.unanswered(t.Context(), store.ErrBroken); got != store.ErrBroken {
		t.Errorf("another error became %v", got)
	}
}
