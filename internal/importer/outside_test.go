package importer_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"portolan/internal/catalog"
	"portolan/internal/importer"
	"portolan/internal/snapshot"
)

const isolatedVPC = "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000000000000009"

// isolated is a network whose only VPC is in no table of any kind.
func isolated(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	policy := strings.Replace(head, `{"name":"prod",`, `{"name":"prod","isolate-attachments":true,`, 1)
	return network(t, `{"version":1,"account":"111122223333","policy":`+policy+`]},"prefixLists":{"office":["192.168.0.0/16"]},"attachments":[
{"id":"attachment-00000000000000001","type":"vpc","edges":["us-east-1"],"resourceArn":"`+isolatedVPC+`","announcements":[{"prefix":"10.0.0.0/16"}]}]}`)
}

// ec2 is a catalog of one VPC that is known by its ARN, or that refuses every question.
type ec2 struct {
	catalog.Catalog
	denied bool
}

func (e ec2) VPC(context.Context, string) (*catalog.VPC, error) {
	if e.denied {
		return nil, &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
	}
	return &catalog.VPC{ARN: isolatedVPC, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("2001:db8::/56")}}, nil
}

func (e ec2) PrefixList(_ context.Context, arn string) (*catalog.PrefixList, error) {
	if e.denied {
		return nil, &smithy.GenericAPIError{Code: "UnauthorizedOperation"}
	}
	return &catalog.PrefixList{ARN: arn, Entries: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}}, nil
}

// TestRead_asksEC2WhereTablesShowNothing: blocks of a VPC in an isolated segment, IPv6 only where the attachment routes it,
// and entries of prefix lists.
func TestRead_asksEC2WhereTablesShowNothing(t *testing.T) {
	im := serve(t, isolated(t), nil).read(t, func(c *importer.Config) { c.Catalog = ec2{} })
	a := &im.Snapshot.Attachments[0]
	if len(a.Announcements) != 1 || a.Sources["10.0.0.0/16"] != "EC2" || !im.Report.Complete() {
		t.Errorf("got %+v, %s", a, report(t, im.Report))
	}
	if list := im.Snapshot.PrefixLists["office"]; len(list) != 1 {
		t.Errorf("the prefix list has %v", list)
	}
}

// TestRead_withoutEC2: what EC2 refuses is in the report with the action, and what nothing shows is a note.
func TestRead_withoutEC2(t *testing.T) {
	im := serve(t, isolated(t), nil).read(t, func(c *importer.Config) { c.Catalog = ec2{denied: true} })
	for _, action := range []string{"ec2:DescribeVpcs", "ec2:GetManagedPrefixListEntries"} {
		if !slices.ContainsFunc(im.Report.Unread, func(u importer.Unread) bool { return u.Action == action && u.Denied }) {
			t.Errorf("no %s in %s", action, report(t, im.Report))
		}
	}
	if text := report(t, im.Report); !strings.Contains(text, "no source shows what it announces") || !strings.Contains(text, "ec2:DescribeVpcs is not allowed") {
		t.Errorf("the report has %s", text)
	}
}
