package main

import (
	"context"

	"portolan/internal/store/etcd"
	"portolan/internal/store/etcd/member"
)

// startMember starts a member of a cluster.
var startMember = func(ctx context.Context, opts etcd.MemberOptions, fail func(error)) (etcd.Member, error) {
	return member.Start(ctx, opts, fail)
}
