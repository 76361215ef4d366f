package server_test

import (
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/auth"
	"portolan/internal/server"

	"github.com/go-json-experiment/json"
)

// attachmentsOf are the ids of the example's attachments, in its order.
func attachmentsOf(t *testing.T, r *rig) []string {
	t.Helper()
	_, _, text := r.ask("GET", "/_portolan/snapshot?core-network="+exampleCoreNetwork, "", "")
	var snap struct{ Attachments []struct{ ID string } }
	if err := json.Unmarshal([]byte(text), &snap, json.MatchCaseInsensitiveNames(true)); err != nil || len(snap.Attachments) != 7 {
		t.Fatalf("%v: %s", err, text)
	}
	ids := make([]string, len(snap.Attachments))
	for i := range snap.Attachments {
		ids[i] = snap.Attachments[i].ID
	}
	return ids
}

func TestControlPolicy_answers(t *testing.T) {
	r := example(t)
	policy := changedPolicy(t)
	quoted, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, body string
		status           int
		want             []string
	}{
		{"check of a valid policy", "check", policy, 200, []string{`{"valid":true,"findings":[]}`}},
		{"check of one that AWS refuses", "check", `{"version": "2021.12", "segments": [{"nam": "prod"}]}`, 200, []string{`"valid":false`, `"path":"$.segments[0]`, `"refused":true`, `"line":1`}},
		{"check of no JSON", "check", `{`, 200, []string{`"valid":false`, `"level":"error"`}},
		{"check of nothing", "check", ``, 200, []string{`"valid":false`, `the document is empty`}},
		{"lint", "lint", policy, 200, []string{`"valid":true`, `"refused":false`}},
		{"lint of one that AWS refuses", "lint", `{"version": "2021.12"}`, 200, []string{`"valid":false`, `"refused":true`}},
		{"lint beside a network", "lint?core-network=" + exampleCoreNetwork, policy, 200, []string{`"valid":true`}},
		{"lint beside no network", "lint?core-network=core-network-0b00000000000000b", policy, 404, []string{"core-network-0b00000000000000b"}},
		{"format", "format", policy, 200, []string{`{"document":"{\n`}},
		{"explain", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpc", "edges": ["us-east-1"], "tags": {"domain": "dev"}}}`, 200, []string{`"segment":"dev"`, `"ruleNumber":200`, `"matched":false`, `"notTried":[]`}},
		{"explain of a text", "explain", `{"policy": ` + string(quoted) + `, "attachment": {"type": "vpc", "edges": ["us-east-1"], "tags": {"nfg": "fw"}}}`, 200, []string{`"networkFunctionGroup":"fw"`, `"notTried":[200]`}},
		{"explain of an unknown member", "explain", `{"polcy": {}}`, 400, []string{"CannotParse", "polcy"}},
		{"explain of an unknown type", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpn", "edges": ["us-east-1"]}}`, 400, []string{`"Name":"type"`, "there are: vpc, connect"}},
		{"explain at no edge", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpc"}}`, 400, []string{`"Name":"edges"`, "us-east-1"}},
		{"explain at an unknown edge", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpc", "edges": ["us-wst-1"]}}`, 400, []string{`"Name":"edges"`, "no edge location of the policy"}},
		{"explain at too many edges", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpc", "edges": ["us-east-1", "eu-west-1"]}}`, 400, []string{`"Name":"edges"`, "Only a Direct Connect gateway"}},
		{"explain of no account", "explain", `{"policy": ` + policy + `, "attachment": {"type": "vpc", "edges": ["us-east-1"], "account": "1"}}`, 400, []string{`"Name":"account"`, "12 digits"}},
		{"explain of too little", "explain", `{"policy": ` + strings.Replace(policy, `"key":"nfg","type":"tag-exists"`, `"type":"account-id","operator":"equals","value":"111122223333"`, 1) + `, "attachment": {"type": "vpc", "edges": ["us-east-1"]}}`, 400, []string{`"Name":"account"`, "rule 100 tests account-id"}},
		{"diff of the same", "diff", `{"from": ` + policy + `, "to": ` + string(quoted) + `}`, 200, []string{`{"changes":[]}`}},
		{"diff", "diff", `{"from": ` + policy + `, "to": ` + strings.Replace(policy, `"lonely"`, `"lonelier"`, 1) + `}`, 200, []string{`"action":"ADD"`, `"identifier":"lonelier"`, `"identifier":"lonely"`}},
		{"diff with one that AWS refuses", "diff", `{"from": ` + policy + `, "to": {}}`, 400, []string{`"Name":"to"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, got := r.ask("POST", "/_portolan/policy/"+c.path, "", c.body)
			if status != c.status {
				t.Fatalf("%d %s", status, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %s", want, got)
				}
			}
		})
	}
}

func TestQuestions_whatIf(t *testing.T) {
	r := example(t)
	ids := attachmentsOf(t, r)
	policy := changedPolicy(t)
	for _, c := range []struct {
		name, body string
		status     int
		want       []string
	}{
		{"nothing", `{}`, 200, []string{`"moves": []`, `"empty": true`, `"before"`, `"after"`}},
		{"another policy", `{"policy": ` + policy + `}`, 200, []string{`"inspectionLost": [`, `"empty": false`}},
		{"other tags", `{"tags": {"` + ids[2] + `": {"domain": "prod"}}}`, 200, []string{`"attachment": "` + ids[2] + `"`, `"moves": [`, `"empty": false`}},
		{"a failed attachment", `{"fail": {"attachments": ["` + ids[0] + `"]}}`, 200, []string{`"kind": "withdrawn"`, `"prefix": "10.0.0.0/16"`}},
		{"a failed edge location", `{"fail": {"edges": ["eu-west-1"]}}`, 200, []string{`"prefix": "10.11.0.0/16"`, `"kind": "withdrawn"`}},
		{"assertions", `{"fail": {"edges": ["eu-west-1"]}, "assertions": "prod reaches dev\n10.11.0.0/16 is in table dev at us-east-1"}`, 200, []string{`"total": 2`, `"line": 2`}},
		{"one of its routes", `{"fail": {"edges": ["eu-west-1"]}, "routes": 1}`, 200, []string{`"routesTruncated": true`, `"prefix": "`}},
		{"with attachments in the pictures", `{"attachments": true}`, 200, []string{`"id": "` + ids[0] + `"`}},
		{"an attachment that does not exist", `{"tags": {"attachment-0": {}}}`, 400, []string{`attachment-0`}},
		{"a failed attachment that does not exist", `{"fail": {"attachments": ["attachment-0"]}}`, 400, []string{`"Name":"fail"`}},
		{"an edge location that does not exist", `{"fail": {"edges": ["mars-1"]}}`, 400, []string{`mars-1`}},
		{"a policy that AWS refuses", `{"policy": {}}`, 400, []string{`"Name":"policy"`}},
		{"assertions that cannot be read", `{"assertions": "all is well"}`, 400, []string{`"Name":"assertions"`}},
		{"an unknown member", `{"tag": {}}`, 400, []string{`"Name":"body"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, got := r.ask("POST", "/_portolan/core-networks/"+exampleCoreNetwork+"/what-if", "", c.body)
			if status != c.status {
				t.Fatalf("%d %s", status, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %s", want, got)
				}
			}
		})
	}
}

func TestQuestions_association(t *testing.T) {
	r := example(t)
	ids := attachmentsOf(t, r)
	ask := func(id, format string) (int, string) {
		status, _, got := r.ask("GET", "/_portolan/core-networks/"+exampleCoreNetwork+"/association?format="+format+"&attachment="+id, "", "")
		return status, got
	}
	if status, got := ask(ids[2], "json"); status != 200 || !strings.Contains(got, `"now"`) || !strings.Contains(got, `"outcome"`) || !strings.Contains(got, `"segment": "dev"`) {
		t.Errorf("%d %s", status, got)
	}
	if status, got := ask(ids[5], "text"); status != 200 || !strings.Contains(got, "rule 100, line") || !strings.Contains(got, "network function group fw") {
		t.Errorf("%d %s", status, got)
	}
	if status, got := ask("attachment-0", "json"); status != 400 || !strings.Contains(got, "does not exist") {
		t.Errorf("%d %s", status, got)
	}
}

func TestControl_graphAsJSON(t *testing.T) {
	r := example(t)
	status, contentType, got := r.ask("GET", "/_portolan/core-networks/"+exampleCoreNetwork+"/graph", "application/json", "")
	if status != 200 || contentType != "application/json" {
		t.Fatalf("%d %s", status, contentType)
	}
	for _, want := range []string{`"location": "us-east-1"`, `"action": "send-via"`, `"mode": "dual-hop"`, `"isolated": true`, `"networkFunctionGroup": "fw"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}

func TestControl_graphCounted(t *testing.T) {
	r := example(t)
	const path = "/_portolan/core-networks/" + exampleCoreNetwork + "/graph?count=true"
	status, _, got := r.ask("GET", path, "application/json", "")
	var graph analysis.Graph
	if err := json.Unmarshal([]byte(got), &graph); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	_, _, listed := r.ask("GET", "/_portolan/core-networks/"+exampleCoreNetwork+"/graph", "application/json", "")
	var whole analysis.Graph
	if err := json.Unmarshal([]byte(listed), &whole); err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, a := range whole.Attachments {
		for _, e := range a.Edges {
			places[a.Segment+a.Group+"@"+e]++
		}
	}
	for _, s := range append(graph.Segments, graph.Groups...) {
		for e, n := range s.Attached {
			if places[s.Name+"@"+e] -= n; places[s.Name+"@"+e] != 0 {
				t.Errorf("%s at %s: %d attachments", s.Name, e, n)
			}
			delete(places, s.Name+"@"+e)
		}
	}
	if len(places) != 0 || len(graph.Attachments) != 0 || graph.Total < len(whole.Attachments) {
		t.Errorf("not counted: %v; %d in total", places, graph.Total)
	}
	if status, _, got := r.ask("GET", path+"&format=svg", "", ""); status != 400 || !strings.Contains(got, "unless format is json") {
		t.Errorf("%d %s", status, got)
	}
}

func TestControl_caller(t *testing.T) {
	open := example(t)
	if status, _, got := open.ask("GET", "/_portolan/caller", "", ""); status != 200 || !strings.Contains(got, `"account":"000000000000"`) || !strings.Contains(got, `"checked":false`) || !strings.Contains(got, `"denied":{}`) || !strings.Contains(got, `"controlDenied":""`) {
		t.Errorf("%d %s", status, got)
	}
	keys, err := auth.ParseCredentials([]byte(`[{"accessKeyId": "AKIAREADER", "secretAccessKey": "s", "account": "111122223333", "principalArn": "arn:aws:iam::111122223333:user/reader",
		"policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "networkmanager:Get*", "Resource": "*"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	closed := start(t, func(c *server.Config) { c.Authenticator = auth.NewAuthenticator(auth.Config{Credentials: keys}) })
	if status, _, _ := closed.ask("GET", "/_portolan/caller", "", ""); status != 403 {
		t.Errorf("who does not sign is answered %d", status)
	}
}

func TestControl_policySchema(t *testing.T) {
	r := start(t)
	ask := func(query string) (int, string) {
		status, contentType, got := r.ask("GET", "/_portolan/policy/schema"+query, "", "")
		if contentType != "application/json" {
			t.Errorf("%s: %s", query, contentType)
		}
		return status, got
	}
	for query, routing := range map[string]bool{"": true, "?version=2025.11": true, "?version=2021.12": false} {
		if status, got := ask(query); status != 200 || !strings.Contains(got, `"network-function-groups"`) || strings.Contains(got, `"routing-policy-rules"`) != routing {
			t.Errorf("%q: %d, %d bytes", query, status, len(got))
		}
	}
	if status, got := ask("?version=2020.01"); status != 400 || !strings.Contains(got, "There is no version") {
		t.Errorf("%d %s", status, got)
	}
}

func TestEvents_last(t *testing.T) {
	r := example(t)
	var page struct{ Events []struct{ Token string } }
	all := func(query string) int {
		_, _, got := r.ask("GET", "/_portolan/events?limit=1000"+query, "", "")
		page.Events = nil
		if err := json.Unmarshal([]byte(got), &page, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		return len(page.Events)
	}
	whole := all("")
	end := page.Events[whole-1].Token
	if got := all("&last=3"); whole < 4 || got != 3 || page.Events[2].Token != end {
		t.Errorf("%d of %d events, up to %s", got, whole, end)
	}
	if got := all("&last=1000"); got != whole {
		t.Errorf("%d of %d events", got, whole)
	}
	for _, query := range []string{"last=0", "last=1001", "last=x", "last=3&after=" + end} {
		if status, _, _ := r.ask("GET", "/_portolan/events?"+query, "", ""); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
}
