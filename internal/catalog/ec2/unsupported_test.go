package ec2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"portolan/internal/catalog"
	"portolan/internal/catalog/ec2"
)

// replier is an endpoint that gives everybody the same reply.
func replier(t *testing.T, status int, body string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestEC2_endpointThatLacksSomething(t *testing.T) {
	refusal := func(code, message string) string {
		return fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>x</RequestID></Response>`, code, message)
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   error
	}{
		{"an action it does not have", 400, refusal("InvalidAction", "The action DescribeVpcs is not valid for this web service."), catalog.ErrUnsupported},
		{"a service that is not built", 501, "not implemented", catalog.ErrUnsupported},
		{"a filter it does not know", 400, refusal("InvalidParameterValue", "The filter 'vpc-id' is invalid"), catalog.ErrUnsupported},
		{"a filter that is not built", 400, refusal("FilterNotImplementedError", "vpc-id"), catalog.ErrUnsupported},
		{"a page of another program", 404, "<html>404</html>", catalog.ErrUnsupported},
		{"words that are no XML", 200, "OK", catalog.ErrUnsupported},
		{"JSON", 200, `{"Vpcs": []}`, catalog.ErrUnsupported},
		{"nothing at all", 200, "", catalog.ErrUnsupported},
		{"XML after a byte order mark", 200, "\uFEFF\n<DescribeVpcsResponse/>", catalog.ErrNotFound},
		{"a thing it does not have", 400, refusal("InvalidVpcID.NotFound", "none"), catalog.ErrNotFound},
		{"a caller it does not know", 403, refusal("UnauthorizedOperation", "no"), catalog.ErrUnavailable},
		{"a value that is wrong", 400, refusal("InvalidParameterValue", "The ID is wrong"), catalog.ErrUnavailable},
		{"a gateway in between", 502, "", catalog.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			cat := ec2.New(ec2.Config{Endpoint: replier(t, c.status, c.body), Log: slog.New(slog.NewTextHandler(&log, nil))})
			for range 2 {
				if _, err := cat.VPC(t.Context(), region+"vpc/vpc-1"); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			}
			_, _ = cat.VPC(t.Context(), region+"vpc/vpc-2")
			lacking := c.want == catalog.ErrUnsupported
			if n := strings.Count(log.String(), "does not know a kind"); (n == 1) != lacking {
				t.Errorf("%d warnings:\n%s", n, &log)
			}
			if got := cat.Unsupported(); slices.Contains(got, "vpc") != lacking {
				t.Errorf("unsupported: %v", got)
			}
		})
	}
}

// cutReplies are replies of which an error comes after the beginning.
type cutReplies struct {
	begins string
	err    error
}

func (c cutReplies) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(c.begins), iotest.ErrReader(c.err))
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

// TestEC2_replyThatIsCut: an endpoint whose reply breaks off, or is not there in time, is not taken for one that does not know what
// it was asked.
func TestEC2_replyThatIsCut(t *testing.T) {
	for _, err := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: syscall.ECONNRESET}} {
		for arn, begins := range map[string]string{
			region + "vpc/vpc-1": "<DescribeVpcsResponse><vpcSet>",
			"arn:aws:directconnect::111122223333:dx-gateway/1": `{"directConnectGateways":[`,
		} {
			c := ec2.New(ec2.Config{Endpoint: "http://ec2.test", HTTPClient: &http.Client{Transport: cutReplies{begins, err}}})
			_, got := c.VPC(t.Context(), arn)
			if strings.Contains(arn, "dx-gateway") {
				_, got = c.DirectConnectGateway(t.Context(), arn)
			}
			if !errors.Is(got, catalog.ErrUnavailable) || len(c.Unsupported()) > 0 {
				t.Errorf("%v in the reply about %s: %v, unsupported are %v", err, arn, got, c.Unsupported())
			}
		}
	}
}

func TestEC2_directConnectMissing(t *testing.T) {
	for name, endpoint := range map[string]string{
		"Query XML in place of JSON": replier(t, 400, `<Response><Errors><Error><Code>InvalidAction</Code><Message>no</Message></Error></Errors></Response>`),
		"JSON":                       replier(t, 400, `{"__type":"UnknownOperationException"}`),
		"a page":                     replier(t, 404, `<html></html>`),
	} {
		c := ec2.New(ec2.Config{Endpoint: endpoint})
		if _, err := c.DirectConnectGateway(t.Context(), "arn:aws:directconnect::111122223333:dx-gateway/1"); !errors.Is(err, catalog.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEC2_gatewayWithoutItsParts(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeTransitGateways": fixed(`<transitGatewaySet><item><transitGatewayId>tgw-1</transitGatewayId><state>available</state></item></transitGatewaySet>`),
	})
	e.unknown = "InvalidAction"
	c := ec2.New(ec2.Config{Endpoint: e.URL})
	if g, err := c.TransitGateway(t.Context(), region+"transit-gateway/tgw-1"); err != nil || g.State != "available" {
		t.Errorf("got %+v, %v", g, err)
	}
	if got := len(c.Unsupported()); got != 3 {
		t.Errorf("unsupported: %v, want attachments, peerings and route tables", c.Unsupported())
	}
}

func TestEC2_statesAsAnEmulatorWritesThem(t *testing.T) {
	state := func(text string) string {
		return `<item><ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock><ipv6CidrBlockState><state>` + text + `</state></ipv6CidrBlockState></item>`
	}
	for text, want := range map[string]int{
		"associated": 1, "{'State': 'associated'}": 1, `{"State":"associated"}`: 1,
		"disassociated": 0, "{'State': 'disassociated'}": 0, "associating": 0, "{": 0, "{}": 0,
	} {
		e := newEndpoint(t, map[string]func(url.Values) string{
			"DescribeVpcs": fixed(`<vpcSet><item><vpcId>vpc-1</vpcId><ipv6CidrBlockAssociationSet>` + state(text) + `</ipv6CidrBlockAssociationSet></item></vpcSet>`),
			"DescribeSubnets": fixed(`<subnetSet><item><subnetId>subnet-1</subnetId><availabilityZone>us-east-1c</availabilityZone><availabilityZoneId>use1-az3</availabilityZoneId><ipv6CidrBlockAssociationSet>` +
				state(text) + `</ipv6CidrBlockAssociationSet></item></subnetSet>`),
		})
		vpc, err := ec2.New(ec2.Config{Endpoint: e.URL}).VPC(t.Context(), region+"vpc/vpc-1")
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(vpc.CIDRs) != want || len(vpc.Subnets[0].CIDRs) != want || vpc.Subnets[0].ZoneID != "use1-az3" {
			t.Errorf("%s: %+v, want %d blocks", text, vpc, want)
		}
	}
}

func TestEC2_typesOfGatewayAttachments(t *testing.T) {
	var items strings.Builder
	for _, kind := range append(catalog.ResourceTypes(), "something-new") {
		fmt.Fprintf(&items, `<item><transitGatewayAttachmentId>tgw-attach-%s</transitGatewayAttachmentId><resourceType>%s</resourceType><resourceId>id-1</resourceId></item>`, kind, kind)
	}
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeTransitGateways":                  fixed(`<transitGatewaySet><item><transitGatewayId>tgw-1</transitGatewayId></item></transitGatewaySet>`),
		"DescribeTransitGatewayPeeringAttachments": fixed(`<transitGatewayPeeringAttachments/>`),
		"DescribeTransitGatewayAttachments":        fixed(`<transitGatewayAttachments>` + items.String() + `</transitGatewayAttachments>`),
		"DescribeTransitGatewayRouteTables":        fixed(`<transitGatewayRouteTables/>`),
	})
	g, err := ec2.New(ec2.Config{Endpoint: e.URL}).TransitGateway(t.Context(), region+"transit-gateway/tgw-1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range g.Attachments {
		got = append(got, a.ResourceType+" "+a.ResourceARN)
	}
	want := []string{
		"vpc " + region + "vpc/id-1", "vpn " + region + "vpn-connection/id-1", "vpn-concentrator " + region + "vpn-concentrator/id-1",
		"direct-connect-gateway arn:aws:directconnect::111122223333:dx-gateway/id-1", "connect " + region + "transit-gateway-attachment/id-1",
		"peering " + region + "transit-gateway/id-1", "tgw-peering " + region + "transit-gateway/id-1",
		"network-function ", "client-vpn " + region + "client-vpn-endpoint/id-1", "something-new ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEC2_otherAccount: what the endpoint has in another account is not found, and the log says which account that is.
func TestEC2_otherAccount(t *testing.T) {
	e := newEndpoint(t, map[string]func(url.Values) string{
		"DescribeVpcs":            fixed(`<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId></item></vpcSet>`),
		"DescribeTransitGateways": fixed(`<transitGatewaySet><item><transitGatewayId>tgw-1</transitGatewayId><ownerId>123456789012</ownerId></item></transitGatewaySet>`),
	})
	var log bytes.Buffer
	c := ec2.New(ec2.Config{Endpoint: e.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for arn, look := range map[string]func(string) error{
		region + "vpc/vpc-1":             func(arn string) error { _, err := c.VPC(t.Context(), arn); return err },
		region + "transit-gateway/tgw-1": func(arn string) error { _, err := c.TransitGateway(t.Context(), arn); return err },
	} {
		if err := look(arn); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s: %v", arn, err)
		}
		if !strings.Contains(log.String(), "arn="+arn+" owner=123456789012") {
			t.Errorf("%s: the log is %q", arn, log.String())
		}
	}
}
