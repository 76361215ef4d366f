package main

import (
	"context"

	"portolan/internal/store/etcd"
)

// startMember starts a member of a cluster; nil: there is none in this build. "make build-cluster" puts
// internal/store/etcd/member/_portolan/member.go in the place of this file.
var startMember func(context.Context, etcd.MemberOptions, func(error)) (etcd.Member, error)
