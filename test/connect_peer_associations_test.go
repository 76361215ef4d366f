package test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"
)

// peerLab is a global network with a core network down to available Connect peers, and devices to associate them with.
type peerLab struct {
	t                        *testing.T
	nm                       *networkmanager.Client
	p                        *Process
	gn, cn, site             string
	device, other            string
	link, strayLink          string
	connect                  string // the Connect attachment
	peers                    []string
	missingPeer, missingGlob string
}

func sdkClient(p *Process, account string) *networkmanager.Client {
	return networkmanager.New(networkmanager.Options{
		BaseEndpoint: &p.URL, Region: "us-west-2", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(account, "any", ""),
	})
}

// ok calls an operation that has to succeed.
func ok[I, O any](l *peerLab, call func(context.Context, *I, ...func(*networkmanager.Options)) (*O, error), in I) *O {
	l.t.Helper()
	out, err := call(l.t.Context(), &in)
	if err != nil {
		l.t.Fatalf("%T: %v", in, err)
	}
	return out
}

// refusal calls an operation that has to fail with an error of type E.
func refusal[E error, I, O any](l *peerLab, call func(context.Context, *I, ...func(*networkmanager.Options)) (*O, error), in I) E {
	l.t.Helper()
	out, err := call(l.t.Context(), &in)
	var want E
	if !errors.As(err, &want) {
		l.t.Fatalf("%T: got %+v, %v; want a %T", in, out, err, want)
	}
	return want
}

func (l *peerLab) until(what string, done func() bool) {
	l.t.Helper()
	until(l.t, what, done)
}

// until polls as a waiter does, without its pauses: the next call shows what came of the last.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// newCoreNetworkLab is a lab with nothing but an available core network, of the account.
func newCoreNetworkLab(t *testing.T, p *Process, account string) *peerLab {
	t.Helper()
	l := &peerLab{
		t: t, p: p, nm: sdkClient(p, account),
		missingPeer: "connect-peer-0ffffffffffffffff", missingGlob: "global-network-0ffffffffffffffff",
	}
	l.gn = *ok(l, l.nm.CreateGlobalNetwork, networkmanager.CreateGlobalNetworkInput{}).GlobalNetwork.GlobalNetworkId
	document, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	l.cn = *ok(l, l.nm.CreateCoreNetwork, networkmanager.CreateCoreNetworkInput{GlobalNetworkId: &l.gn, PolicyDocument: aws.String(string(document))}).CoreNetwork.CoreNetworkId
	l.until("the core network", func() bool {
		return ok(l, l.nm.GetCoreNetwork, networkmanager.GetCoreNetworkInput{CoreNetworkId: &l.cn}).CoreNetwork.State == types.CoreNetworkStateAvailable
	})
	return l
}

func newPeerLab(t *testing.T, peers int) *peerLab {
	l := newCoreNetworkLab(t, Start(t, "--ephemeral"), "111122223333")
	l.site = *ok(l, l.nm.CreateSite, networkmanager.CreateSiteInput{GlobalNetworkId: &l.gn}).Site.SiteId
	device := func() string {
		return *ok(l, l.nm.CreateDevice, networkmanager.CreateDeviceInput{GlobalNetworkId: &l.gn, SiteId: &l.site}).Device.DeviceId
	}
	link := func() string {
		return *ok(l, l.nm.CreateLink, networkmanager.CreateLinkInput{
			GlobalNetworkId: &l.gn, SiteId: &l.site, Bandwidth: &types.Bandwidth{UploadSpeed: aws.Int32(1)},
		}).Link.LinkId
	}
	l.device, l.other, l.link, l.strayLink = device(), device(), link(), link()
	ok(l, l.nm.AssociateLink, networkmanager.AssociateLinkInput{GlobalNetworkId: &l.gn, DeviceId: &l.device, LinkId: &l.link})
	const ec2 = "arn:aws:ec2:eu-west-1:111122223333:"
	vpc := ok(l, l.nm.CreateVpcAttachment, networkmanager.CreateVpcAttachmentInput{
		CoreNetworkId: &l.cn, VpcArn: aws.String(ec2 + "vpc/vpc-0123456789abcdef0"), SubnetArns: []string{ec2 + "subnet/subnet-0123456789abcdef0"},
	}).VpcAttachment.Attachment.AttachmentId
	l.until("the VPC attachment", func() bool {
		return ok(l, l.nm.GetVpcAttachment, networkmanager.GetVpcAttachmentInput{AttachmentId: vpc}).VpcAttachment.Attachment.State == types.AttachmentStateAvailable
	})
	l.connect = *ok(l, l.nm.CreateConnectAttachment, networkmanager.CreateConnectAttachmentInput{
		CoreNetworkId: &l.cn, EdgeLocation: aws.String("eu-west-1"), TransportAttachmentId: vpc, Options: &types.ConnectAttachmentOptions{Protocol: types.TunnelProtocolGre},
	}).ConnectAttachment.Attachment.AttachmentId
	l.until("the Connect attachment", func() bool {
		return ok(l, l.nm.GetConnectAttachment, networkmanager.GetConnectAttachmentInput{AttachmentId: &l.connect}).ConnectAttachment.Attachment.State == types.AttachmentStateAvailable
	})
	for i := range peers {
		id := *ok(l, l.nm.CreateConnectPeer, networkmanager.CreateConnectPeerInput{
			ConnectAttachmentId: &l.connect, PeerAddress: aws.String(fmt.Sprintf("10.0.0.%d", 10+i)),
			InsideCidrBlocks: []string{fmt.Sprintf("169.254.%d.0/29", 40+i)},
		}).ConnectPeer.ConnectPeerId
		l.until("the Connect peer", func() bool {
			return ok(l, l.nm.GetConnectPeer, networkmanager.GetConnectPeerInput{ConnectPeerId: &id}).ConnectPeer.State == types.ConnectPeerStateAvailable
		})
		l.peers = append(l.peers, id)
	}
	return l
}

func (l *peerLab) associate(peer, device string, link *string) *types.ConnectPeerAssociation {
	l.t.Helper()
	return ok(l, l.nm.AssociateConnectPeer, networkmanager.AssociateConnectPeerInput{
		GlobalNetworkId: &l.gn, ConnectPeerId: &peer, DeviceId: &device, LinkId: link,
	}).ConnectPeerAssociation
}

func (l *peerLab) disassociate(peer string) *types.ConnectPeerAssociation {
	l.t.Helper()
	return ok(l, l.nm.DisassociateConnectPeer, networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.gn, ConnectPeerId: &peer}).ConnectPeerAssociation
}

func (l *peerLab) associations(peers ...string) []types.ConnectPeerAssociation {
	l.t.Helper()
	return ok(l, l.nm.GetConnectPeerAssociations, networkmanager.GetConnectPeerAssociationsInput{GlobalNetworkId: &l.gn, ConnectPeerIds: peers}).ConnectPeerAssociations
}

func (l *peerLab) gone(peer string) {
	l.t.Helper()
	l.until("the association to go", func() bool {
		list := l.associations(peer)
		return len(list) == 0 || list[0].State == types.ConnectPeerAssociationStateDeleted
	})
}

func wantFields(t *testing.T, e *types.ValidationException, name, message string) {
	t.Helper()
	if e.ErrorMessage() != "Incorrect input." || e.Reason != types.ValidationExceptionReasonFieldValidationFailed || len(e.Fields) != 1 ||
		aws.ToString(e.Fields[0].Name) != name || !strings.Contains(aws.ToString(e.Fields[0].Message), message) {
		t.Errorf("got %s %s %+v, want the field %s: %s", e.ErrorMessage(), e.Reason, e.Fields, name, message)
	}
}

// TestConnectPeerAssociations_life walks what AWS's users can see of an association, from none to none, in order: each
// part begins where the last one ended.
func TestConnectPeerAssociations_life(t *testing.T) {
	l := newPeerLab(t, 2)
	peer, second := l.peers[0], l.peers[1]
	part := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			outer := l.t
			l.t = t
			defer func() { l.t = outer }()
			f(t)
		})
	}
	input := func(gn, peer, device string, link *string) networkmanager.AssociateConnectPeerInput {
		return networkmanager.AssociateConnectPeerInput{GlobalNetworkId: &gn, ConnectPeerId: &peer, DeviceId: &device, LinkId: link}
	}

	part("without a link, read back", func(t *testing.T) {
		a := l.associate(peer, l.device, nil)
		if a.State != types.ConnectPeerAssociationStatePending || a.LinkId != nil || *a.DeviceId != l.device || *a.ConnectPeerId != peer || *a.GlobalNetworkId != l.gn {
			t.Errorf("made %+v", a)
		}
		l.until("AVAILABLE", func() bool { return l.associations(peer)[0].State == types.ConnectPeerAssociationStateAvailable })
		l.disassociate(peer)
		l.gone(peer)
	})
	part("a link that is not on the device", func(t *testing.T) {
		wantFields(t, refusal[*types.ValidationException](l, l.nm.AssociateConnectPeer, input(l.gn, peer, l.device, &l.strayLink)), "linkId", "not associated")
	})
	part("a link that is", func(t *testing.T) {
		if a := l.associate(peer, l.device, &l.link); aws.ToString(a.LinkId) != l.link {
			t.Errorf("made %+v", a)
		}
	})
	part("the same again", func(t *testing.T) {
		a := l.associate(peer, l.device, &l.link)
		if list := l.associations(); len(list) != 1 || *list[0].ConnectPeerId != *a.ConnectPeerId || aws.ToString(list[0].LinkId) != l.link {
			t.Errorf("listed %+v", list)
		}
	})
	part("another device", func(t *testing.T) {
		e := refusal[*types.ConflictException](l, l.nm.AssociateConnectPeer, input(l.gn, peer, l.other, nil))
		if aws.ToString(e.ResourceId) != peer || aws.ToString(e.ResourceType) != "connect-peer" {
			t.Errorf("got %+v", e)
		}
	})
	part("an unknown peer", func(t *testing.T) {
		e := refusal[*types.ResourceNotFoundException](l, l.nm.AssociateConnectPeer, input(l.gn, l.missingPeer, l.device, nil))
		if aws.ToString(e.ResourceId) != l.missingPeer || aws.ToString(e.ResourceType) != "connect-peer" || e.ErrorMessage() != "Resource not found." {
			t.Errorf("got %+v", e)
		}
	})
	part("a malformed peer id", func(t *testing.T) {
		e := refusal[*types.ValidationException](l, l.nm.AssociateConnectPeer, input(l.gn, "peer-1", l.device, nil))
		want := "1 validation error detected: Value at 'connectPeerId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^connect-peer-([0-9a-f]{8,17})$"
		if e.ErrorMessage() != want || len(e.Fields) != 1 || aws.ToString(e.Fields[0].Name) != "connectPeerId" {
			t.Errorf("got %s %+v", e.ErrorMessage(), e.Fields)
		}
	})
	part("an unknown global network", func(t *testing.T) {
		in := networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.missingGlob, ConnectPeerId: &peer}
		wantFields(t, refusal[*types.ValidationException](l, l.nm.DisassociateConnectPeer, in), "globalNetworkId", "Global network not found.")
		wantFields(t, refusal[*types.ValidationException](l, l.nm.AssociateConnectPeer, input(l.missingGlob, peer, l.device, nil)), "globalNetworkId", "Global network not found.")
	})
	part("another account's global network", func(t *testing.T) {
		mine := l.nm
		l.nm = sdkClient(l.p, "444455556666")
		defer func() { l.nm = mine }()
		in := networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.gn, ConnectPeerId: &peer}
		wantFields(t, refusal[*types.ValidationException](l, l.nm.DisassociateConnectPeer, in), "globalNetworkId", "Global network not found.")
	})
	part("what it holds in place", func(t *testing.T) {
		for _, e := range []*types.ValidationException{
			refusal[*types.ValidationException](l, l.nm.DeleteDevice, networkmanager.DeleteDeviceInput{GlobalNetworkId: &l.gn, DeviceId: &l.device}),
			refusal[*types.ValidationException](l, l.nm.DeleteLink, networkmanager.DeleteLinkInput{GlobalNetworkId: &l.gn, LinkId: &l.link}),
			refusal[*types.ValidationException](l, l.nm.DisassociateLink, networkmanager.DisassociateLinkInput{GlobalNetworkId: &l.gn, DeviceId: &l.device, LinkId: &l.link}),
		} {
			if !strings.Contains(e.ErrorMessage(), "due to existing association") || e.Reason != types.ValidationExceptionReasonOther {
				t.Errorf("got %s, %s", e.ErrorMessage(), e.Reason)
			}
		}
	})
	part("the relation is in the inventory", func(t *testing.T) {
		arn := "arn:aws:networkmanager::111122223333:connect-peer/" + peer
		out := ok(l, l.nm.GetNetworkResourceRelationships, networkmanager.GetNetworkResourceRelationshipsInput{GlobalNetworkId: &l.gn, ResourceArn: &arn})
		found := false
		for _, r := range out.Relationships {
			found = found || strings.HasSuffix(aws.ToString(r.To), "/"+l.device)
		}
		if !found {
			t.Errorf("related to %+v", out.Relationships)
		}
	})
	part("disassociate", func(t *testing.T) {
		a := l.disassociate(peer)
		if a.State != types.ConnectPeerAssociationStateDeleting || *a.DeviceId != l.device || aws.ToString(a.LinkId) != l.link {
			t.Errorf("got %+v", a)
		}
		l.gone(peer)
	})
	part("disassociate what is not associated", func(t *testing.T) {
		for _, id := range []string{peer, l.missingPeer} {
			l.until("the entry to be forgotten", func() bool { return len(l.associations(id)) == 0 })
			in := networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.gn, ConnectPeerId: &id}
			if e := refusal[*types.ResourceNotFoundException](l, l.nm.DisassociateConnectPeer, in); aws.ToString(e.ResourceId) != id || aws.ToString(e.ResourceType) != "connect-peer" {
				t.Errorf("got %+v", e)
			}
		}
	})
	part("associate again, elsewhere", func(t *testing.T) {
		if a := l.associate(peer, l.other, nil); *a.DeviceId != l.other || a.State != types.ConnectPeerAssociationStatePending {
			t.Errorf("made %+v", a)
		}
	})
	part("pages", func(t *testing.T) {
		l.associate(second, l.other, nil)
		seen := 0
		pages := networkmanager.NewGetConnectPeerAssociationsPaginator(l.nm, &networkmanager.GetConnectPeerAssociationsInput{GlobalNetworkId: &l.gn, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seen += len(page.ConnectPeerAssociations)
		}
		if seen != 2 {
			t.Errorf("%d associations on all pages", seen)
		}
		e := refusal[*types.ValidationException](l, l.nm.GetConnectPeerAssociations, networkmanager.GetConnectPeerAssociationsInput{GlobalNetworkId: &l.gn, NextToken: aws.String("foreign")})
		wantFields(t, e, "nextToken", "")
	})
	part("the deleted peer takes its association along", func(t *testing.T) {
		ok(l, l.nm.DeleteConnectPeer, networkmanager.DeleteConnectPeerInput{ConnectPeerId: &second})
		l.until("the peer to go", func() bool { return len(l.associations(second)) == 0 })
		refusal[*types.ResourceNotFoundException](l, l.nm.DisassociateConnectPeer, networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.gn, ConnectPeerId: &second})
	})
	part("encoded and raw paths", func(t *testing.T) {
		for _, path := range []string{
			"/global-networks/" + l.gn + "/connect-peer-associations?connectPeerIds=" + peer,
			"/global-networks/" + strings.ReplaceAll(l.gn, "-", "%2D") + "/connect-peer-associations?connectPeerIds=" + strings.ReplaceAll(peer, "-", "%2d"),
		} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", l.p.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", authorization(111122223333))
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	})
	part("typed errors with Retry-After", func(t *testing.T) {
		for _, fault := range []string{
			"AccessDeniedException", "ConflictException", "InternalServerException", "ResourceNotFoundException", "ThrottlingException", "ValidationException",
		} {
			status, text := call(t, "POST", l.p.URL+"/_portolan/faults?operation=DisassociateConnectPeer&error="+fault, "", firstAccount)
			if status != http.StatusOK {
				t.Fatal(text)
			}
			_, err := l.nm.DisassociateConnectPeer(t.Context(), &networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: &l.gn, ConnectPeerId: &peer})
			var apiError smithy.APIError
			if !errors.As(err, &apiError) || apiError.ErrorCode() != fault {
				t.Errorf("%s: got %v", fault, err)
			}
			var internal *types.InternalServerException
			if errors.As(err, &internal) && aws.ToInt32(internal.RetryAfterSeconds) != 1 {
				t.Errorf("%s: RetryAfterSeconds %v", fault, internal.RetryAfterSeconds)
			}
			var throttled *types.ThrottlingException
			if errors.As(err, &throttled) && aws.ToInt32(throttled.RetryAfterSeconds) != 1 {
				t.Errorf("%s: RetryAfterSeconds %v", fault, throttled.RetryAfterSeconds)
			}
		}
		if list := l.associations(peer); len(list) != 1 || list[0].State == types.ConnectPeerAssociationStateDeleting {
			t.Errorf("a planned fault did something: %+v", list)
		}
	})
}
