//go:build interop

package bgp

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/go-json-experiment/json"

	portolan "portolan/test"
)

// server is the real binary with a core network made by the Go SDK: segment prod, whose attachments announce to each other, at two
// edges.
type server struct {
	t    *testing.T
	dir  string
	args []string
	p    *portolan.Process
	nm   *networkmanager.Client
	gn   string
	cn   string
	at   map[string]string // Connect attachments by edge
}

const serverPolicy = `{
  "version": "2025.11",
  "core-network-configuration": {
    "asn-ranges": ["64512-64599"], "inside-cidr-blocks": ["10.255.0.0/16"],
    "edge-locations": [{"location": "eu-west-1", "asn": 64512}, {"location": "us-east-1", "asn": 64513}]
  },
  "segments": [{"name": "prod", "require-attachment-acceptance": false}],
  "attachment-policies": [{"rule-number": 100, "conditions": [{"type": "any"}], "action": {"association-method": "constant", "segment": "prod"}}],
  "routing-policies": [{"routing-policy-name": "mark", "routing-policy-direction": "outbound", "routing-policy-number": 10, "routing-policy-rules": [
    {"rule-number": 10, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.66.0.0/16"}], "action": {"type": "drop"}}},
    {"rule-number": 20, "rule-definition": {"condition-logic": "or", "match-conditions": [{"type": "prefix-in-cidr", "value": "10.67.0.0/16"}], "action": {"type": "prepend-asn-list", "value": ["64999", "64999"]}}}
  ]}],
  "attachment-routing-policy-rules": [{"rule-number": 10, "conditions": [{"type": "routing-policy-label", "value": "marked"}], "action": {"associate-routing-policies": ["mark"]}}]
}`

func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "portolan-serve-")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: dir, args: append(args, "--data", filepath.Join(dir, "data"), "--log-format", "text"), at: map[string]string{}}
	t.Cleanup(func() {
		s.p.Kill()
		if t.Failed() {
			t.Logf("portolan:\n%s", s.p.Log)
		}
		os.RemoveAll(dir)
	})
	s.start()
	t.Cleanup(func() {
		for _, edge := range []string{"eu-west-1", "us-east-1"} {
			exec.Command("ip", "netns", "del", s.namespace(edge)).Run()
		}
	})
	s.network()
	return s
}

// network makes the core network and a Connect attachment at each edge.
func (s *server) network() {
	s.t.Helper()
	gn, err := s.nm.CreateGlobalNetwork(s.t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	s.must(err)
	s.gn = *gn.GlobalNetwork.GlobalNetworkId
	cn, err := s.nm.CreateCoreNetwork(s.t.Context(), &networkmanager.CreateCoreNetworkInput{GlobalNetworkId: &s.gn, PolicyDocument: aws.String(serverPolicy)})
	s.must(err)
	s.cn = *cn.CoreNetwork.CoreNetworkId
	until(s.t, "the core network", func() error {
		out, err := s.nm.GetCoreNetwork(s.t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: &s.cn})
		if err == nil && out.CoreNetwork.State != types.CoreNetworkStateAvailable {
			err = errNotYet
		}
		return err
	})
	for _, edge := range []string{"eu-west-1", "us-east-1"} {
		s.attach(edge)
	}
}

// start runs the server, on the data of the one before.
func (s *server) start() {
	s.t.Helper()
	s.p = portolan.Start(s.t, s.args...)
	s.client()
}

// client makes the client of the server.
func (s *server) client() {
	s.nm = networkmanager.New(networkmanager.Options{
		BaseEndpoint: &s.p.URL, Region: "us-west-2", Credentials: credentials.NewStaticCredentialsProvider("111122223333", "any", ""), RetryMaxAttempts: 1,
	})
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// attach makes a VPC attachment and a Connect attachment over it.
func (s *server) attach(edge string) {
	s.t.Helper()
	ec2, ctx := "arn:aws:ec2:"+edge+":111122223333:", s.t.Context()
	vpc, err := s.nm.CreateVpcAttachment(ctx, &networkmanager.CreateVpcAttachmentInput{
		CoreNetworkId: &s.cn, VpcArn: aws.String(ec2 + "vpc/vpc-0123456789abcdef0"), SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"},
	})
	s.must(err)
	s.available(*vpc.VpcAttachment.Attachment.AttachmentId)
	connect, err := s.nm.CreateConnectAttachment(ctx, &networkmanager.CreateConnectAttachmentInput{
		CoreNetworkId: &s.cn, EdgeLocation: &edge, TransportAttachmentId: vpc.VpcAttachment.Attachment.AttachmentId,
		RoutingPolicyLabel: aws.String("marked"), Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolGre},
	})
	s.must(err)
	s.at[edge] = *connect.ConnectAttachment.Attachment.AttachmentId
	s.available(s.at[edge])
	s.announce(*vpc.VpcAttachment.Attachment.AttachmentId, fmt.Sprintf(`[{"prefix": "10.%d.0.0/16"}]`, len(s.at)))
}

func (s *server) available(attachment string) {
	s.t.Helper()
	until(s.t, "the attachment", func() error {
		for pages := networkmanager.NewListAttachmentsPaginator(s.nm, &networkmanager.ListAttachmentsInput{CoreNetworkId: &s.cn}); pages.HasMorePages(); {
			page, err := pages.NextPage(s.t.Context())
			if err != nil {
				return err
			}
			for _, a := range page.Attachments {
				if *a.AttachmentId == attachment && a.State == types.AttachmentStateAvailable {
					return nil
				}
			}
		}
		return errNotYet
	})
}

// call makes a control call.
func (s *server) call(method, path, body string, out any) error {
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.p.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20261128/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, &text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text.Bytes(), out, json.MatchCaseInsensitiveNames(true))
}

// announce puts what is announced for an attachment.
func (s *server) announce(attachment, list string) {
	s.t.Helper()
	s.must(s.call(http.MethodPut, "/_portolan/announcements/"+attachment, list, nil))
}

func (s *server) namespace(edge string) string {
	return "portolan-" + strings.TrimPrefix(s.cn, "core-network-") + "-" + edge
}

// segment waits until the segment has exactly the routes at an edge.
func (s *server) segment(edge string, prefixes ...string) {
	s.t.Helper()
	slices.Sort(prefixes)
	until(s.t, "the segment at "+edge, func() error {
		got, err := s.prefixes(edge)
		if err == nil && !slices.Equal(got, prefixes) {
			err = fmt.Errorf("got %v, want %v", got, prefixes)
		}
		return err
	})
}

// prefixes are those that the segment has at an edge, in order.
func (s *server) prefixes(edge string) (got []string, err error) {
	out, err := s.nm.GetNetworkRoutes(s.t.Context(), &networkmanager.GetNetworkRoutesInput{
		GlobalNetworkId: &s.gn, RouteTableIdentifier: &types.RouteTableIdentifier{CoreNetworkSegmentEdge: &types.CoreNetworkSegmentEdgeIdentifier{
			CoreNetworkId: &s.cn, EdgeLocation: &edge, SegmentName: aws.String("prod"),
		}},
	})
	if err != nil {
		return nil, err
	}
	for _, r := range out.NetworkRoutes {
		got = append(got, *r.DestinationCidrBlock)
	}
	slices.Sort(got)
	return got, nil
}
