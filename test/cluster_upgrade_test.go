package test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/internal/store/etcd/etcdtest"
)

// olderVariable names a binary of an earlier commit. Without it servers are replaced by others of the same.
const olderVariable = "PORTOLAN_TEST_OLDER"

// TestCluster_rollingUpgrade replaces three older servers one by one while clients write. No call of a client that retries is
// refused, and nothing is lost.
func TestCluster_rollingUpgrade(t *testing.T) {
	older := cmp.Or(os.Getenv(olderVariable), Binary(t))
	cluster := startEtcd(t, 1)
	args := []string{"--store", cluster.address("wan"), "--store-reads", "linearizable", "--log-level", "error", "--quota", "devices=1000000"}
	addresses := etcdtest.FreeAddresses(3)
	servers := make([]*Process, len(addresses))
	launch := func(i int, binary string) {
		p, err := start(binary, append(args, "--listen", addresses[i], "--store-name", fmt.Sprintf("server-%d", i))...)
		if err != nil {
			t.Error(err)
			return
		}
		servers[i] = p
		t.Cleanup(p.Kill)
	}
	for i := range servers {
		launch(i, older)
	}
	if t.Failed() {
		return
	}
	all := roundRobin(t, patience, addresses...)
	ctx := patiently(t)
	lab := newCoreNetworkLab(t, all, "111122223333")
	acknowledged := writeWhile(ctx, t, []*Process{all}, lab.gn, func() {
		for i, p := range servers {
			if code, err := p.Stop(ctx); err != nil || code != 0 {
				t.Errorf("server %d ends with %d, %v: %s", i, code, err, p.Log)
			}
			launch(i, Binary(t))
		}
	})
	if t.Failed() {
		return
	}
	for i, p := range servers {
		if err := verify(ctx, patient(p), lab.gn, acknowledged); err != nil {
			t.Errorf("server %d: %v", i, err)
		}
		got, err := patient(p).GetCoreNetwork(ctx, &networkmanager.GetCoreNetworkInput{CoreNetworkId: &lab.cn})
		if err != nil || got.CoreNetwork.State != types.CoreNetworkStateAvailable {
			t.Errorf("server %d: the core network of the older servers: %+v, %v", i, got, err)
		}
	}
	t.Logf("%d devices acknowledged", len(acknowledged))
}

// TestCluster_eventsInOrder changes things through three servers at the same time. Every server has the same events, none twice,
// and those of one resource are in the order in which it moved.
func TestCluster_eventsInOrder(t *testing.T) {
	cluster := startEtcd(t, 1)
	var addresses []string
	for i := range 3 {
		p := Start(t, "--store", cluster.address("wan"), "--store-reads", "linearizable", "--log-level", "error",
			"--routing-events=false", "--lifecycle", "attachment.CREATING=20ms", "--store-name", fmt.Sprintf("server-%d", i))
		addresses = append(addresses, p.Addr)
	}
	lab := newCoreNetworkLab(t, roundRobin(t, patience, addresses...), "111122223333")
	const attachments = 12
	ids := make([]string, attachments)
	done := make(chan error)
	for i := range attachments {
		go func() {
			const ec2 = "arn:aws:ec2:eu-west-1:111122223333:"
			out, err := patient(lab.p).CreateVpcAttachment(t.Context(), &networkmanager.CreateVpcAttachmentInput{
				CoreNetworkId: &lab.cn, VpcArn: aws.String(fmt.Sprintf("%svpc/vpc-0123456789abcde%02x", ec2, i)),
				SubnetArns: []string{fmt.Sprintf("%ssubnet/subnet-0123456789abcde%02x", ec2, i)},
			})
			if err == nil {
				ids[i] = *out.VpcAttachment.Attachment.AttachmentId
			}
			done <- err
		}()
	}
	for range attachments {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		lab.until("the attachments", func() bool {
			got, err := patient(lab.p).GetVpcAttachment(t.Context(), &networkmanager.GetVpcAttachmentInput{AttachmentId: &id})
			if err != nil {
				t.Fatal(err)
			}
			return got.VpcAttachment.Attachment.State == types.AttachmentStateAvailable
		})
	}
	for _, id := range ids {
		if _, err := patient(lab.p).DeleteAttachment(t.Context(), &networkmanager.DeleteAttachmentInput{AttachmentId: &id}); err != nil {
			t.Fatal(err)
		}
	}
	lab.until("the attachments to go", func() bool {
		got, err := patient(lab.p).ListAttachments(t.Context(), &networkmanager.ListAttachmentsInput{CoreNetworkId: &lab.cn})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Attachments) == 0
	})
	var logs []string
	for _, address := range addresses {
		logs = append(logs, ask(t, &Process{URL: "http://" + address, Addr: address}, "GET", "/_portolan/events?limit=1000", nil))
	}
	if logs[0] != logs[1] || logs[1] != logs[2] {
		t.Errorf("the servers have other events than each other:\n%s\n%s\n%s", logs[0], logs[1], logs[2])
	}
	moved := eventsOf(t, logs[0])
	for _, id := range ids {
		const life = "VPC_ATTACHMENT_CREATED ATTACHMENT_ASSOCIATION_CREATED VPC_ATTACHMENT_DELETED ATTACHMENT_ASSOCIATION_DELETED"
		if got := strings.Join(moved[id], " "); got != life {
			t.Errorf("%s: %q", id, got)
		}
	}
}

// eventsOf are the changes of each attachment, in the order of the log, in which no event is twice.
func eventsOf(t *testing.T, log string) map[string][]string {
	t.Helper()
	var page struct {
		Events []struct {
			Event struct {
				ID     string
				Detail struct{ ChangeType, AttachmentArn string }
			}
		}
	}
	readJSON(t, log, &page)
	seen, out := map[string]bool{}, map[string][]string{}
	for _, e := range page.Events {
		if seen[e.Event.ID] {
			t.Errorf("event %s is there twice", e.Event.ID)
		}
		seen[e.Event.ID] = true
		_, id, _ := strings.Cut(e.Event.Detail.AttachmentArn, ":attachment/")
		out[id] = append(out[id], e.Event.Detail.ChangeType)
	}
	return out
}
