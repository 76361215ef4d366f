package importer_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"portolan/api"
	"portolan/internal/importer"
	"portolan/internal/snapshot"
	"portolan/internal/wire"
)

// answer is a reply of the account that is not the server's.
func answer(status int, errorType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {errorType}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// operationOf is the operation of a request.
func operationOf(q *http.Request) string {
	if op, _, err := wire.Match(q.Method, q.URL.EscapedPath()); err == nil {
		return op.Name
	}
	return ""
}

// necessary are the calls without which there is no snapshot.
var necessary = []string{"GetCoreNetwork", "GetCoreNetworkPolicy", "ListAttachments"}

// called are the operations that reading and verifying the example call.
func called(t *testing.T) []string {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]bool{}
	r := serve(t, everything(t), nil)
	r.before = func(q *http.Request) *http.Response {
		mu.Lock()
		defer mu.Unlock()
		seen[operationOf(q)] = true
		return nil
	}
	if _, err := r.read(t).Verify(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	var list []string
	for op := range seen {
		list = append(list, op)
	}
	slices.Sort(list)
	return list
}

// TestRead_callsOnlyRead: every call is one that reads, and the IAM policy of the documentation allows it.
func TestRead_callsOnlyRead(t *testing.T) {
	for _, name := range called(t) {
		op := api.Operation{}
		for _, o := range api.Operations {
			if o.Name == name {
				op = o
			}
		}
		if !op.ReadOnly {
			t.Errorf("%q is called and changes something", name)
		}
		if !strings.Contains(string(importer.Policy()), `"`+op.Action+`"`) {
			t.Errorf("the IAM policy does not allow %s", op.Action)
		}
	}
}

// TestRead_faults: every call with each thing that goes wrong. Either there is no snapshot and the error names the call, or
// the report names the action.
func TestRead_faults(t *testing.T) {
	faults := map[string]func() *http.Response{
		"denied":   func() *http.Response { return answer(403, "AccessDeniedException", `{"Message":"no"}`) },
		"throttle": func() *http.Response { return answer(429, "ThrottlingException", `{"Message":"slower"}`) },
		"nonsense": func() *http.Response { return answer(200, "", `<html>`) },
		"cut off":  func() *http.Response { return &http.Response{} },
	}
	operations := called(t)
	if len(operations) < 13 {
		t.Fatalf("only %v are called", operations)
	}
	for kind, fault := range faults {
		for _, op := range operations {
			t.Run(kind+" "+op, func(t *testing.T) {
				r := serve(t, everything(t), nil)
				r.before = func(q *http.Request) *http.Response {
					if operationOf(q) == op {
						return fault()
					}
					return nil
				}
				wantFault(t, r, op, kind == "denied")
			})
		}
	}
}

func wantFault(t *testing.T, r *rig, op string, denied bool) {
	t.Helper()
	im, err := importer.Read(t.Context(), r.config())
	if slices.Contains(necessary, op) || op == "ListCoreNetworks" {
		if err == nil || !strings.Contains(err.Error(), op) || denied && !strings.Contains(err.Error(), "networkmanager:"+op+" is not allowed") {
			t.Errorf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	unread := im.Report.Unread
	if op == "GetNetworkRoutes" { // of verify
		v, err := im.Verify(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Agrees() {
			t.Error("tables that were not read agree")
		}
		unread = v.Unread
	}
	if !slices.ContainsFunc(unread, func(u importer.Unread) bool { return u.Action == "networkmanager:"+op && u.Denied == denied }) {
		t.Errorf("the report has %+v", unread)
	}
}

// TestRead_throttledOnce: a call that is throttled is made again.
func TestRead_throttledOnce(t *testing.T) {
	r := serve(t, everything(t), nil)
	var mu sync.Mutex
	seen := map[string]bool{}
	r.before = func(q *http.Request) *http.Response {
		mu.Lock()
		defer mu.Unlock()
		if op := operationOf(q); op != "ListAttachmentNatConfigurations" && !seen[op] {
			seen[op] = true
			return answer(429, "ThrottlingException", `{"Message":"slower"}`)
		}
		return nil
	}
	if im := r.read(t); !im.Report.Complete() {
		t.Errorf("not read: %+v", im.Report.Unread)
	}
}

// TestRead_lostPage: a list whose later page fails is no list, and one whose token repeats ends.
func TestRead_lostPage(t *testing.T) {
	for name, second := range map[string]string{
		"fails":   "",
		"repeats": `{"Attachments":[],"NextToken":"again"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, everything(t), nil)
			r.before = func(q *http.Request) *http.Response {
				if operationOf(q) != "ListAttachments" {
					return nil
				}
				if q.URL.Query().Get("nextToken") == "" {
					return answer(200, "", `{"Attachments":[],"NextToken":"again"}`)
				}
				if second == "" {
					return answer(500, "InternalServerException", `{}`)
				}
				return answer(200, "", second)
			}
			if _, err := importer.Read(t.Context(), r.config()); err == nil || !strings.Contains(err.Error(), "ListAttachments") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRead_policyChangesMeanwhile: what was read before and after belongs to two networks.
func TestRead_policyChangesMeanwhile(t *testing.T) {
	r := serve(t, everything(t), nil)
	var mu sync.Mutex
	asked := 0
	r.before = func(q *http.Request) *http.Response {
		if operationOf(q) != "GetCoreNetworkPolicy" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 1 {
			return nil
		}
		return answer(200, "", `{"CoreNetworkPolicy":{"PolicyVersionId":99,"PolicyDocument":"{}"}}`)
	}
	if _, err := importer.Read(t.Context(), r.config()); err == nil || !strings.Contains(err.Error(), "another policy version became LIVE") {
		t.Errorf("got %v", err)
	}
}

// everything is a network whose reading takes every call.
func everything(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	return network(t, `{"version":1,"account":"111122223333","policy":`+head+`]},"prefixLists":{"office":["192.168.0.0/16"]},"attachments":[
{"id":"attachment-00000000000000001","type":"vpc","edges":["us-east-1"],"resourceArn":"arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000000000000001","announcements":[{"prefix":"10.0.0.0/16"}]},
{"id":"attachment-00000000000000002","type":"connect","edges":["us-east-1"],"resourceArn":"arn:aws:ec2:us-east-1:111122223333:vpc/vpc-00000000000000001",
 "peers":[{"id":"connect-peer-00000000000000001","asn":65001,"announcements":[{"prefix":"10.1.0.0/16","asPath":[65001]}]},
          {"id":"connect-peer-00000000000000002","asn":65002,"announcements":[{"prefix":"10.1.0.0/16","asPath":[65002]}]}]},
{"id":"attachment-00000000000000003","type":"transit-gateway-route-table","edges":["us-west-2"],"peeringId":"peering-00000000000000001","announcements":[{"prefix":"10.2.0.0/16","asPath":[64700]}]},
{"id":"attachment-00000000000000004","type":"vpc","edges":["us-west-2"],"tags":{"fw":"1"}}]}`)
}
