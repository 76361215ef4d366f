package test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json"
	gocmp "github.com/google/go-cmp/cmp"

	"portolan/policy"
	policies "portolan/policy/source"
	"portolan/servertest"
)

// examples are the documents of examples/, by file, those of Terraform plans by resource.
func examples(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../examples/policies/*.json")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	list := map[string]string{}
	for _, name := range append(files, "../examples/policy.json") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := policies.Read(name, text)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, p := range found {
			list[cmp.Or(p.Address, filepath.Base(name))] = string(p.Text)
		}
	}
	return list
}

// network is an empty core network of a server.
type network struct {
	*networkmanager.Client
	id *string
}

func newNetwork(t *testing.T, client *networkmanager.Client) network {
	t.Helper()
	global, err := client.CreateGlobalNetwork(t.Context(), &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	core, err := client.CreateCoreNetwork(t.Context(), &networkmanager.CreateCoreNetworkInput{GlobalNetworkId: global.GlobalNetwork.GlobalNetworkId})
	if err != nil {
		t.Fatal(err)
	}
	n := network{client, core.CoreNetwork.CoreNetworkId}
	n.await(t, "the core network", func() (string, error) {
		out, err := client.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: n.id})
		if err != nil {
			return "", err
		}
		return string(out.CoreNetwork.State), nil
	}, "AVAILABLE")
	return n
}

// await asks until one of some states is there, and says which.
func (n network) await(t *testing.T, what string, state func() (string, error), wanted ...string) string {
	t.Helper()
	var last string
	for range 100_000 {
		s, err := state()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wanted {
			if s == w {
				return s
			}
		}
		last = s
	}
	t.Fatalf("%s stays %s, not %v", what, last, wanted)
	return ""
}

// put stores a document and waits for its change set: the version, or what the server says is wrong with it.
func (n network) put(t *testing.T, text string) (*types.CoreNetworkPolicy, []types.CoreNetworkPolicyError) {
	t.Helper()
	out, err := n.PutCoreNetworkPolicy(t.Context(), &networkmanager.PutCoreNetworkPolicyInput{CoreNetworkId: n.id, PolicyDocument: &text})
	if refused, ok := errors.AsType[*types.CoreNetworkPolicyException](err); ok {
		return nil, refused.Errors
	}
	if invalid, ok := errors.AsType[*types.ValidationException](err); ok && (invalid.Reason == types.ValidationExceptionReasonCannotParse || text == "") {
		return nil, []types.CoreNetworkPolicyError{{ErrorCode: aws.String(policy.CodeSyntax)}}
	}
	if err != nil {
		t.Fatal(err)
	}
	version := n.version(t, out.CoreNetworkPolicy.PolicyVersionId, types.ChangeSetStateReadyToExecute, types.ChangeSetStateFailedGeneration)
	if version.ChangeSetState == types.ChangeSetStateFailedGeneration {
		return nil, version.PolicyErrors
	}
	return version, nil
}

func (n network) version(t *testing.T, id *int32, wanted ...types.ChangeSetState) (version *types.CoreNetworkPolicy) {
	t.Helper()
	var states []string
	for _, w := range wanted {
		states = append(states, string(w))
	}
	n.await(t, "the policy version", func() (string, error) {
		out, err := n.GetCoreNetworkPolicy(t.Context(), &networkmanager.GetCoreNetworkPolicyInput{CoreNetworkId: n.id, PolicyVersionId: id})
		if err != nil {
			return "", err
		}
		version = out.CoreNetworkPolicy
		return string(version.ChangeSetState), nil
	}, states...)
	return version
}

func compiled(text string) (*policy.Policy, policy.Errors) {
	doc, errs := policy.Parse([]byte(text))
	if len(errs) > 0 {
		return nil, errs
	}
	if errs := policy.Check(doc); len(errs) > 0 {
		return nil, errs
	}
	return policy.Compile(doc, nil)
}

// absent is what is wrong with a document on a core network that has no attachments and no prefix lists.
func absent(text string) policy.Errors {
	doc, _ := policy.Parse([]byte(text))
	return append(policy.CheckDestinations(doc, nil), policy.CheckPrefixLists(doc, nil)...)
}

// TestPolicies_examplesGoLive: every example is checked, put, executed and read back; what the core network then has is
// what the document says.
func TestPolicies_examplesGoLive(t *testing.T) {
	client := networkmanager.NewFromConfig(servertest.New(t, servertest.WithQuotas("global-networks=100")).Config())
	for name, text := range examples(t) {
		t.Run(name, func(t *testing.T) {
			want, errs := compiled(text)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			n := newNetwork(t, client)
			version, refused := n.put(t, text)
			if len(refused) > 0 {
				t.Fatal(refusals(refused))
			}
			if _, err := n.ExecuteCoreNetworkChangeSet(t.Context(), &networkmanager.ExecuteCoreNetworkChangeSetInput{CoreNetworkId: n.id, PolicyVersionId: version.PolicyVersionId}); err != nil {
				t.Fatal(err)
			}
			n.version(t, version.PolicyVersionId, types.ChangeSetStateExecutionSucceeded)
			live, err := n.GetCoreNetworkPolicy(t.Context(), &networkmanager.GetCoreNetworkPolicyInput{CoreNetworkId: n.id, Alias: types.CoreNetworkPolicyAliasLive})
			if err != nil {
				t.Fatal(err)
			}
			if d := gocmp.Diff(plainJSON(t, text), plainJSON(t, aws.ToString(live.CoreNetworkPolicy.PolicyDocument))); d != "" {
				t.Error(d)
			}
			out, err := n.GetCoreNetwork(t.Context(), &networkmanager.GetCoreNetworkInput{CoreNetworkId: n.id})
			if err != nil {
				t.Fatal(err)
			}
			if d := gocmp.Diff(documented(want), served(out.CoreNetwork)); d != "" {
				t.Error(d)
			}
		})
	}
}

// summary is the parts of a core network that a document determines.
type summary struct {
	ASNs             map[string]int64
	InsideCIDRs      map[string][]string
	Segments, Groups map[string][]string
	Shared           map[string][]string
}

func newSummary() summary {
	return summary{map[string]int64{}, map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string][]string{}}
}

func documented(p *policy.Policy) summary {
	s := newSummary()
	for _, e := range p.Edges {
		s.ASNs[e.Location] = int64(e.ASN)
		for _, c := range e.InsideCIDRs {
			s.InsideCIDRs[e.Location] = append(s.InsideCIDRs[e.Location], c.String())
		}
	}
	for _, g := range p.Segments {
		s.Segments[g.Name] = g.Edges
		if len(g.SharedSegments) > 0 {
			s.Shared[g.Name] = g.SharedSegments
		}
	}
	for _, g := range p.NetworkFunctionGroups {
		s.Groups[g.Name] = g.Edges
	}
	return s
}

func served(n *types.CoreNetwork) summary {
	s := newSummary()
	for _, e := range n.Edges {
		s.ASNs[aws.ToString(e.EdgeLocation)] = aws.ToInt64(e.Asn)
		if len(e.InsideCidrBlocks) > 0 {
			s.InsideCIDRs[aws.ToString(e.EdgeLocation)] = e.InsideCidrBlocks
		}
	}
	for _, g := range n.Segments {
		s.Segments[aws.ToString(g.Name)] = g.EdgeLocations
		if len(g.SharedSegments) > 0 {
			s.Shared[aws.ToString(g.Name)] = g.SharedSegments
		}
	}
	for _, g := range n.NetworkFunctionGroups {
		s.Groups[aws.ToString(g.Name)] = g.EdgeLocations
	}
	return s
}

// TestPolicies_checkAgreesWithTheServer: what check accepts the server accepts, and the reverse, with the same errors
// in the same order: over the examples and every document in the scripts of the policy package.
func TestPolicies_checkAgreesWithTheServer(t *testing.T) {
	documents := examples(t)
	datadriven.Walk(t, "../policy/testdata/scripts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "check", "compile", "destinations", "aliases", "orphans":
				documents[d.Pos] = d.Input
			}
			return d.Expected
		})
	})
	if len(documents) < 90 {
		t.Fatalf("only %d documents", len(documents))
	}
	n := newNetwork(t, networkmanager.NewFromConfig(servertest.New(t, servertest.WithQuotas("policy-versions=100000")).Config()))
	accepted := 0
	for name, text := range documents {
		_, errs := compiled(text)
		if len(errs) == 0 {
			errs = absent(text)
		}
		_, refused := n.put(t, text)
		var want []string
		for _, e := range errs {
			if e.Code == policy.CodeSyntax { // what is no JSON has another answer, in which there is no list
				want = append(want, e.Code+"  ")
				break
			}
			want = append(want, e.Code+" "+e.Message+" "+e.Path)
		}
		if d := gocmp.Diff(want, refusals(refused)); d != "" {
			t.Errorf("%s: check and the server differ:\n%s", name, d)
		}
		if len(errs) == 0 {
			accepted++
		}
	}
	if accepted < 10 || accepted == len(documents) {
		t.Errorf("%d of %d documents are correct: the test compares little", accepted, len(documents))
	}
}

func refusals(list []types.CoreNetworkPolicyError) []string {
	var lines []string
	for _, e := range list {
		lines = append(lines, aws.ToString(e.ErrorCode)+" "+aws.ToString(e.Message)+" "+aws.ToString(e.Path))
	}
	return lines
}

func plainJSON(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
