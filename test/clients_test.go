package test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/go-json-experiment/json"
)

// python is an interpreter that has boto3.
func python(t *testing.T) string {
	t.Helper()
	path := interpreter()
	if path == "" {
		t.Fatal("no python3 with boto3: run scripts/setup")
	}
	return path
}

func TestBoto3_lifeOfTheSeed(t *testing.T) {
	for _, store := range []string{"memory", "bbolt"} {
		t.Run(store, func(t *testing.T) {
			args := []string{"--ephemeral"}
			if store == "bbolt" {
				args = []string{"--data", t.TempDir()}
			}
			p := Start(t, args...)
			cmd := exec.Command(python(t), "testdata/seed.py", "testdata/seed.json")
			cmd.Env = p.Env()
			if out, err := cmd.CombinedOutput(); err != nil {
				p.Kill()
				t.Fatalf("%v\n%s\n%s", err, out, p.Log)
			}
		})
	}
}

// cli runs the AWS CLI and decodes what it prints.
func cli(t *testing.T, p *Process, args ...string) map[string]any {
	t.Helper()
	cmd := exec.Command("aws", append([]string{"--endpoint-url", p.URL, "networkmanager", "--output", "json"}, args...)...)
	cmd.Env = p.Env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	var v map[string]any
	if len(out) > 0 {
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return v
}

func TestAWSCLI_inventory(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Fatal("no AWS CLI: run scripts/setup")
	}
	p := Start(t, "--ephemeral")
	id := func(v map[string]any, path ...string) string {
		t.Helper()
		for _, key := range path[:len(path)-1] {
			v = v[key].(map[string]any)
		}
		s, _ := v[path[len(path)-1]].(string)
		return s
	}
	gn := id(cli(t, p, "create-global-network", "--description", "cli", "--tags", "Key=Name,Value=cli lab"), "GlobalNetwork", "GlobalNetworkId")
	site := id(cli(t, p, "create-site", "--global-network-id", gn, "--location", "Address=Main St,Latitude=1,Longitude=2"), "Site", "SiteId")
	device := id(cli(t, p, "create-device", "--global-network-id", gn, "--site-id", site, "--type", "router"), "Device", "DeviceId")
	link := id(cli(t, p, "create-link", "--global-network-id", gn, "--site-id", site, "--bandwidth", "UploadSpeed=10,DownloadSpeed=20"), "Link", "LinkId")
	if state := id(cli(t, p, "associate-link", "--global-network-id", gn, "--device-id", device, "--link-id", link), "LinkAssociation", "LinkAssociationState"); state != "PENDING" {
		t.Errorf("link association %s", state)
	}
	cgw := "arn:aws:ec2:eu-west-1:111122223333:customer-gateway/cgw-0123456789abcdef0"
	cli(t, p, "associate-customer-gateway", "--global-network-id", gn, "--customer-gateway-arn", cgw, "--device-id", device, "--link-id", link)
	got := cli(t, p, "disassociate-customer-gateway", "--global-network-id", gn, "--customer-gateway-arn", cgw)
	if state := id(got, "CustomerGatewayAssociation", "State"); state != "DELETING" {
		t.Errorf("customer gateway association %s", state)
	}
	arn := "arn:aws:networkmanager::111122223333:device/" + gn + "/" + device
	cli(t, p, "tag-resource", "--resource-arn", arn, "--tags", "Key=a b,Value=c/d", "Key=e,Value=")
	cli(t, p, "untag-resource", "--resource-arn", arn, "--tag-keys", "e")
	tags := cli(t, p, "list-tags-for-resource", "--resource-arn", arn)["TagList"].([]any)
	if len(tags) != 1 || tags[0].(map[string]any)["Key"] != "a b" {
		t.Errorf("tags %v", tags)
	}
	devices := cli(t, p, "get-devices", "--global-network-id", gn, "--device-ids", device, "device-unknown")["Devices"].([]any)
	if len(devices) != 1 || devices[0].(map[string]any)["State"] != "AVAILABLE" {
		t.Errorf("devices %v", devices)
	}
	cmd := exec.Command("aws", "--endpoint-url", p.URL, "networkmanager", "disassociate-connect-peer", "--global-network-id", gn, "--connect-peer-id", "connect-peer-0123456789abcdef0")
	cmd.Env = p.Env()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "(ResourceNotFoundException) when calling the DisassociateConnectPeer operation") || !strings.Contains(string(out), ": Resource not found.") {
		t.Errorf("got %v %s", err, out)
	}
}

func sdk(p *Process) *networkmanager.Client {
	return networkmanager.NewFromConfig(aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: &p.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("111122223333", "any", ""),
	})
}

func TestGoSDK_typedErrorsAndPaging(t *testing.T) {
	ctx := patiently(t)
	p := Start(t, "--ephemeral", "--quota", "sites=1000")
	client, begun := sdk(p), time.Now().Truncate(time.Second)
	created, err := client.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{Description: aws.String("sdk")})
	if err != nil {
		t.Fatal(err)
	}
	gn := created.GlobalNetwork.GlobalNetworkId
	if created.GlobalNetwork.State != types.GlobalNetworkStatePending || created.GlobalNetwork.CreatedAt.Before(begun) {
		t.Errorf("created %+v", created.GlobalNetwork)
	}
	const total = 523
	for range total {
		if _, err := client.CreateSite(ctx, &networkmanager.CreateSiteInput{GlobalNetworkId: gn}); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int32{100, 500, 7} {
		seen := map[string]bool{}
		pages := networkmanager.NewGetSitesPaginator(client, &networkmanager.GetSitesInput{GlobalNetworkId: gn, MaxResults: aws.Int32(size)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Sites {
				seen[*s.SiteId] = true
			}
		}
		if len(seen) != total {
			t.Errorf("pages of %d showed %d sites, want %d", size, len(seen), total)
		}
	}

	_, err = client.DisassociateConnectPeer(ctx, &networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: gn, ConnectPeerId: aws.String("connect-peer-0123456789abcdef0")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || *missing.ResourceType != "connect-peer" || *missing.ResourceId != "connect-peer-0123456789abcdef0" {
		t.Errorf("got %v", err)
	}
	_, err = client.DisassociateConnectPeer(ctx, &networkmanager.DisassociateConnectPeerInput{GlobalNetworkId: aws.String("global-network-x"), ConnectPeerId: aws.String("connect-peer-0123456789abcdef0")})
	var invalid *types.ValidationException
	if !errors.As(err, &invalid) || invalid.Reason != types.ValidationExceptionReasonFieldValidationFailed || *invalid.Fields[0].Name != "globalNetworkId" {
		t.Errorf("got %v", err)
	}
	_, err = client.GetSites(ctx, &networkmanager.GetSitesInput{GlobalNetworkId: gn, NextToken: aws.String("not-a-token")})
	if !errors.As(err, &invalid) || *invalid.Fields[0].Name != "nextToken" {
		t.Errorf("got %v", err)
	}
}
