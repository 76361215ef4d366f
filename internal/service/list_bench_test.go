package service_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/store"
)

// benchCoreNetwork is a server over a file, and a core network on it.
func benchCoreNetwork(b *testing.B, options store.BoltOptions, document string) (s *node.Node, ctx context.Context, cn string) {
	b.Helper()
	st, err := store.OpenBolt(filepath.Join(b.TempDir(), "db"), options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	if s, err = node.New(b.Context(), node.Config{Store: st}); err != nil {
		b.Fatal(err)
	}
	ctx = api.WithCaller(b.Context(), api.Caller{Account: "111122223333", Partition: "aws"})
	gn, err := s.CreateGlobalNetwork(ctx, &api.CreateGlobalNetworkInput{})
	if err != nil {
		b.Fatal(err)
	}
	created, err := s.CreateCoreNetwork(ctx, &api.CreateCoreNetworkInput{GlobalNetworkId: gn.GlobalNetwork.GlobalNetworkId, PolicyDocument: &document})
	if err != nil {
		b.Fatal(err)
	}
	return s, ctx, created.CoreNetwork.CoreNetworkId
}

// BenchmarkListAttachments_page: a page of attachments costs the same however many there are, wherever it begins.
func BenchmarkListAttachments_page(b *testing.B) {
	for _, n := range []int{200, 5000} {
		b.Run(fmt.Sprint("of=", n), func(b *testing.B) {
			s, ctx, cn := benchCoreNetwork(b, store.BoltOptions{NoSync: true}, labPolicy("prod"))
			for i := range n {
				if _, err := s.CreateVpcAttachment(ctx, &api.CreateVpcAttachmentInput{CoreNetworkId: cn, VpcArn: fmt.Sprintf("%svpc/vpc-%017x", ec2, i), SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"}}); err != nil {
					b.Fatal(err)
				}
			}
			var token *string
			for range 4 { // let them arrive, then begin in the middle
				out, err := s.ListAttachments(ctx, &api.ListAttachmentsInput{CoreNetworkId: &cn, MaxResults: new(int32(n / 2))})
				if err != nil {
					b.Fatal(err)
				}
				token = &out.NextToken
			}
			for b.Loop() {
				out, err := s.ListAttachments(ctx, &api.ListAttachmentsInput{CoreNetworkId: &cn, MaxResults: new(int32(100)), NextToken: token})
				if err != nil || len(out.Attachments) != 100 {
					b.Fatal(len(out.Attachments), err)
				}
			}
		})
	}
}
