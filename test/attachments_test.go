package test

import (
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"

	"portolan/servertest"
)

var attachmentTypes = types.AttachmentTypeVpc.Values()

func TestBoto3_lifeOfEachAttachmentType(t *testing.T) {
	interpreter := python(t)
	for _, kind := range attachmentTypes {
		t.Run(string(kind), func(t *testing.T) {
			p := Start(t, "--ephemeral")
			cmd := exec.Command(interpreter, "testdata/attachment.py", string(kind), "testdata/seed.json")
			cmd.Env = p.Env()
			if out, err := cmd.CombinedOutput(); err != nil {
				p.Kill()
				t.Fatalf("%v\n%s\n%s", err, out, p.Log)
			}
		})
	}
}

// TestGoSDK_attachmentsAcrossAccounts: a core network under a resource policy: another account attaches to it, its
// owner accepts.
func TestGoSDK_attachmentsAcrossAccounts(t *testing.T) {
	srv := servertest.New(t)
	n := newNetwork(t, networkmanager.NewFromConfig(srv.Config()))
	version, refused := n.put(t, examples(t)["policy.json"])
	if len(refused) > 0 {
		t.Fatal(refusals(refused))
	}
	if _, err := n.ExecuteCoreNetworkChangeSet(t.Context(), &networkmanager.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: n.id, PolicyVersionId: version.PolicyVersionId}); err != nil {
		t.Fatal(err)
	}
	n.version(t, version.PolicyVersionId, types.ChangeSetStateExecutionSucceeded)
	core, err := n.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: n.id})
	if err != nil {
		t.Fatal(err)
	}
	arn := *core.CoreNetwork.CoreNetworkArn
	const account = "444455556666"
	share := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"networkmanager:*","Resource":"` + arn + `"}}`
	if _, err := n.PutResourcePolicy(t.Context(), &networkmanager.PutResourcePolicyInput{ResourceArn: &arn, PolicyDocument: &share}); err != nil {
		t.Fatal(err)
	}
	other := networkmanager.NewFromConfig(srv.ConfigFor(account))
	gateway := "arn:aws:directconnect::" + account + ":dx-gateway/11460968-4ac1-4fd3-bdb2-005990123456"
	made, err := other.CreateDirectConnectGatewayAttachment(t.Context(), &networkmanager.CreateDirectConnectGatewayAttachmentInput{
		CoreNetworkId: n.id, DirectConnectGatewayArn: &gateway, EdgeLocations: []string{*core.CoreNetwork.Edges[0].EdgeLocation},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := made.DirectConnectGatewayAttachment.Attachment.AttachmentId
	state := func(client *networkmanager.Client) func() (string, error) {
		return func() (string, error) {
			out, err := client.GetDirectConnectGatewayAttachment(t.Context(), &networkmanager.GetDirectConnectGatewayAttachmentInput{AttachmentId: id})
			if err != nil {
				return "", err
			}
			return string(out.DirectConnectGatewayAttachment.Attachment.State), nil
		}
	}
	if n.await(t, "the attachment", state(n.Client), "AVAILABLE", "PENDING_ATTACHMENT_ACCEPTANCE") != "AVAILABLE" {
		if _, err := other.AcceptAttachment(t.Context(), &networkmanager.AcceptAttachmentInput{AttachmentId: id}); err == nil {
			t.Error("who attached let itself in")
		}
		if _, err := n.AcceptAttachment(t.Context(), &networkmanager.AcceptAttachmentInput{AttachmentId: id}); err != nil {
			t.Fatal(err)
		}
	}
	n.await(t, "the attachment", state(other), "AVAILABLE")
	if _, err := other.DeleteAttachment(t.Context(), &networkmanager.DeleteAttachmentInput{AttachmentId: id}); err != nil {
		t.Error(err)
	}
}
