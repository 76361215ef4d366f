package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/bench/atquota"
)

// isolation measures how long the calls of a quiet account take beside what another account does to the same server.
func (b *bench) isolation() {
	b.printf("## A quiet account beside a busy one\n\nAccount B asks for its global networks, devices and core networks and makes a site, in turns, one call every 2 ms, while clients of account\nA do one thing as fast as they can, on the same cores. Each line is %s. Goal: the median below 10 ms, the slowest below 250 ms.\n\n", time.Duration(b.rounds)*b.span)
	b.printf("| what A does | clients | A's calls /s | refused /s | B's reads, median | B's writes, median | slowest |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	n := newIsolated(b)
	defer n.stop()
	for _, a := range n.attacks() {
		if strings.Contains(a.name, b.attack) {
			n.beside(a)
		}
	}
	b.printf("\nThe clients of both share the cores with the server. A call is refused with 429 or 503, or for a rule of the API.\n\n")
}

// tenant is an account that calls a server.
type tenant struct {
	url, account string
	client       *http.Client
}

// send makes a call and returns its status and answer; the status is 0 when the connection ended.
func (t *tenant) send(method, path string, body any) (int, []byte) {
	var answer bytes.Buffer
	status := t.call(method, path, body, &answer)
	return status, answer.Bytes()
}

// call is send for an answer that goes to a writer.
func (t *tenant) call(method, path string, body any, answer io.Writer) int {
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		text, err = json.Marshal(b, json.Deterministic(true))
		check(err)
	}
	req, err := http.NewRequest(method, t.url+path, bytes.NewReader(text))
	check(err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+t.account+"/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0")
	req.Header.Set("User-Agent", strings.Repeat("a", 2000))
	resp, err := t.client.Do(req)
	if err != nil {
		return 0
	}
	_, err = io.Copy(answer, resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// must is send for calls that prepare something; it gives a member of the answer by its path.
func (t *tenant) must(method, path string, body any, member ...string) string {
	status, answer := t.send(method, path, body)
	if status != http.StatusOK {
		check(fmt.Errorf("%s %s: %d %.300s", method, path, status, answer))
	}
	var v any
	check(json.Unmarshal(answer, &v))
	for _, m := range member {
		v = v.(map[string]any)[m]
	}
	text, _ := v.(string)
	return text
}

// isolated is a server with what both accounts have.
type isolated struct {
	b             *bench
	stop          func()
	busy, quiet   *tenant
	gn, cn, large string // of A: a global network, a core network in it, and one at AWS's quota
	largeIn       string // the global network of the latter
	device, arn   string // of A
	shared        string // ARN of a core network of A that B may see
	quietRoot     string // path of B's global network
}

type attack struct {
	name    string
	clients int
	do      func(client, n int) int // the status
}

type m = map[string]any

func newIsolated(b *bench) *isolated {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	snap := atquota.Full.Snapshot()
	text, err := snap.JSON()
	check(err)
	file := filepath.Join(dir, "network.json")
	check(os.WriteFile(file, text, 0o600))
	binary := b.binary
	if binary == "" {
		binary = buildBinaryOnce()
	}
	quotas := "devices=1000000,sites=1000000,global-networks=1000"
	url, _, kill := start(binary, "--data", filepath.Join(dir, "data"), "--snapshot", file, "--quota", quotas, "--log-level", "error")
	n := &isolated{b: b, stop: func() { kill(); check(os.RemoveAll(dir)) }}
	of := func(account string) *tenant {
		return &tenant{url, account, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	}
	n.busy, n.quiet = of("111122223333"), of("444455556666")
	_, list := n.busy.send("GET", "/core-networks", nil)
	var found struct {
		CoreNetworks []struct{ CoreNetworkId, GlobalNetworkId string }
	}
	check(json.Unmarshal(list, &found))
	n.large, n.largeIn = found.CoreNetworks[0].CoreNetworkId, found.CoreNetworks[0].GlobalNetworkId
	n.gn = n.busy.must("POST", "/global-networks", m{}, "GlobalNetwork", "GlobalNetworkId")
	devices := "/global-networks/" + n.gn + "/devices"
	for i := range 2000 {
		n.device = n.busy.must("POST", devices, m{"Description": fmt.Sprint("device ", i)}, "Device", "DeviceId")
	}
	n.arn = n.busy.must("POST", devices, m{}, "Device", "DeviceArn")
	n.cn = n.busy.must("POST", "/core-networks", m{"GlobalNetworkId": n.gn, "PolicyDocument": tagPolicy(2)}, "CoreNetwork", "CoreNetworkId")
	n.quietRoot = "/global-networks/" + n.quiet.must("POST", "/global-networks", m{}, "GlobalNetwork", "GlobalNetworkId")
	for range 20 {
		n.quiet.must("POST", n.quietRoot+"/devices", m{})
	}
	for range 5 {
		n.shares()
	}
	return n
}

// shares makes a core network of A whose resource policy is as costly to decide as it may be, and is about B.
func (n *isolated) shares() {
	gn := n.busy.must("POST", "/global-networks", m{}, "GlobalNetwork", "GlobalNetworkId")
	n.shared = n.busy.must("POST", "/core-networks", m{"GlobalNetworkId": gn}, "CoreNetwork", "CoreNetworkArn")
	if status := n.share(n.shared); status != http.StatusOK {
		check(fmt.Errorf("a resource policy: %d", status))
	}
}

// share puts the resource policy, and returns the status.
func (n *isolated) share(arn string) int {
	var patterns []string
	for i := range 220 {
		patterns = append(patterns, "*"+strings.Repeat("a", 40)+fmt.Sprint(i)+strings.Repeat("a", 30)+"?b")
	}
	document, err := json.Marshal(m{"Statement": []m{
		{"Effect": "Allow", "Principal": m{"AWS": n.quiet.account}, "Action": "networkmanager:*", "Resource": "*", "Condition": m{"StringLike": m{"aws:UserAgent": patterns}}},
		{"Effect": "Allow", "Principal": m{"AWS": n.quiet.account}, "Action": "networkmanager:*", "Resource": "*"},
	}}, json.Deterministic(true))
	check(err)
	status, _ := n.busy.send("POST", "/resource-policy/"+strings.ReplaceAll(arn, "/", "%2F"), m{"PolicyDocument": string(document)})
	return status
}

// prefixes is a list of announcements, from the first of them on.
func prefixes(count, first int) []m {
	list := make([]m, count)
	for i := range list {
		list[i] = m{"prefix": fmt.Sprintf("172.%d.%d.0/24", 16+(first+i)/256%64, (first+i)%256)}
	}
	return list
}

func (n *isolated) attacks() []attack {
	a := n.busy
	megabyte := tagPolicy(2750)
	gn, cn := "/global-networks/"+n.gn, "/core-networks/"+n.cn
	tags := func(client, i int) m {
		list := make([]m, 50)
		for t := range list {
			list[t] = m{"Key": fmt.Sprint("key", t), "Value": fmt.Sprint(client, i)}
		}
		return m{"Tags": list}
	}
	get := func(path string) func(int, int) int {
		return func(int, int) int { return a.call("GET", path, nil, io.Discard) }
	}
	post := func(path string, body any) func(int, int) int {
		return func(int, int) int { return a.call("POST", path, body, io.Discard) }
	}
	plan := atquota.Full.Policy(nil)
	of := m{"CoreNetworkId": n.large, "SegmentName": atquota.Shared, "EdgeLocation": atquota.Edge(3)}
	var attachment struct {
		Attachments []struct{ AttachmentId, ResourceArn string }
	}
	_, list := a.send("GET", "/attachments?maxResults=1&coreNetworkId="+n.large+"&attachmentType=VPC", nil)
	check(json.Unmarshal(list, &attachment))
	vpc := attachment.Attachments[0].AttachmentId
	return []attack{
		{"nothing", 0, nil},
		{"puts policies of 0.9 MB", 16, post(cn+"/core-network-policy", m{"PolicyDocument": megabyte})},
		{"lists their versions", 16, get(cn + "/core-network-policy-versions")},
		{"reads one of them", 16, get(cn + "/core-network-policy?policyVersionId=2")},
		{"reads its change set", 16, get(cn + "/core-network-change-sets/2")},
		{"executes a version while a hundred wait", 1, n.execution(plan)},
		{"lists core networks under costly resource policies", 16, func(int, int) int { status, _ := n.quiet.send("GET", "/core-networks", nil); return status }},
		{"tags a device 50 times", 16, func(client, i int) int {
			status, _ := a.send("POST", "/tags/"+strings.ReplaceAll(n.arn, "/", "%2F"), tags(client, i))
			return status
		}},
		{"writes metadata of a resource", 16, func(client, i int) int {
			status, _ := a.send("PATCH", gn+"/network-resources/"+strings.ReplaceAll(n.arn, "/", "%2F")+"/metadata", m{"Metadata": m{"key": fmt.Sprint(client, i)}})
			return status
		}},
		{"writes metadata of a missing resource", 16, func(int, int) int {
			status, _ := a.send("PATCH", gn+"/network-resources/"+strings.ReplaceAll(n.arn, "/", "%2F")+"x/metadata", m{"Metadata": m{"key": "v"}})
			return status
		}},
		{"makes and deletes devices", 64, func(int, int) int {
			status, answer := a.send("POST", gn+"/devices", m{})
			var d struct{ Device struct{ DeviceId string } }
			if json.Unmarshal(answer, &d) == nil && status == http.StatusOK {
				status, _ = a.send("DELETE", gn+"/devices/"+d.Device.DeviceId, nil)
			}
			return status
		}},
		{"lists devices, pages of 500", 32, get(gn + "/devices?maxResults=500")},
		{"lists the inventory", 16, get(gn + "/network-resources?maxResults=500")},
		{"counts the inventory", 16, get(gn + "/network-resource-count")},
		{"lists 5,000 attachments", 16, get("/attachments?coreNetworkId=" + n.large + "&maxResults=500")},
		{"reads its events", 16, get("/_portolan/events?limit=1000")},
		{"plans on the network at quota", 8, post("/_portolan/core-networks/"+n.large+"/plan", plan)},
		{"asks what fails when an edge does", 8, post("/_portolan/core-networks/"+n.large+"/what-if", m{"fail": m{"edges": []string{atquota.Edge(3)}}})},
		{"asks for the matrix of segments", 8, get("/_portolan/core-networks/" + n.large + "/matrix")},
		{"asks the doctor", 8, get("/_portolan/core-networks/" + n.large + "/doctor")},
		{"reads a snapshot of it", 8, get("/_portolan/snapshot?core-network=" + n.large)},
		{"reads the routes of a table in it", 16, post("/global-networks/"+n.largeIn+"/network-routes", m{"RouteTableIdentifier": m{"CoreNetworkSegmentEdge": of}})},
		{"lists routing information of it", 16, post("/core-networks/"+n.large+"/core-network-routing-information", m{"SegmentName": atquota.Shared, "EdgeLocation": atquota.Edge(3)})},
		{"announces 1,000 prefixes in it, others each time", 4, func(client, i int) int {
			status, _ := a.send("PUT", "/_portolan/announcements/"+vpc, prefixes(1000, 1000*(client+4*i)%8000))
			return status
		}},
		{"tags its attachments into other segments", 16, func(client, i int) int {
			arn := "arn:aws:networkmanager::" + a.account + ":attachment/" + vpc
			status, _ := a.send("POST", "/tags/"+strings.ReplaceAll(arn, "/", "%2F"), m{"Tags": []m{{"Key": "segment", "Value": fmt.Sprint("s", (client+i)%30)}}})
			return status
		}},
		{"checks policies of 0.9 MB", 16, post("/_portolan/policy/check", megabyte)},
		{"lints policies of 0.9 MB", 16, post("/_portolan/policy/lint", megabyte)},
		{"puts costly resource policies", 16, func(int, int) int { return n.share(n.shared) }},
	}
}

// execution executes one version after the other; a hundred others wait.
func (n *isolated) execution(document string) func(int, int) int {
	large := "/core-networks/" + n.large
	var once sync.Once
	return func(_, i int) int {
		once.Do(func() {
			for range 100 {
				n.busy.must("POST", large+"/core-network-policy", m{"PolicyDocument": document})
			}
		})
		actions := atquota.Full.Actions()
		status, answer := n.busy.send("POST", large+"/core-network-policy", m{"PolicyDocument": atquota.Full.Policy(actions[:i%2])})
		var put struct{ CoreNetworkPolicy struct{ PolicyVersionId int } }
		if status != http.StatusOK || json.Unmarshal(answer, &put) != nil {
			return status
		}
		status, _ = n.busy.send("POST", fmt.Sprintf("%s/core-network-change-sets/%d/execute", large, put.CoreNetworkPolicy.PolicyVersionId), nil)
		return status
	}
}

// beside measures B's calls while A does what it does, and prints the row.
func (n *isolated) beside(a attack) {
	var done, refused atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for client := range a.clients {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if status := a.do(client, i); status == http.StatusOK {
					done.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	if a.clients > 0 {
		for done.Load()+refused.Load() == 0 { // until it is under way
			time.Sleep(time.Millisecond)
		}
	}
	var reads, writes []float64
	calls := []func() int{
		func() int { status, _ := n.quiet.send("GET", "/global-networks", nil); return status },
		func() int { status, _ := n.quiet.send("GET", n.quietRoot+"/devices", nil); return status },
		func() int { status, _ := n.quiet.send("GET", "/core-networks", nil); return status },
		func() int { status, _ := n.quiet.send("POST", n.quietRoot+"/sites", m{}); return status },
	}
	begin, before, span := time.Now(), [2]int64{done.Load(), refused.Load()}, time.Duration(n.b.rounds)*n.b.span
	for i := 0; time.Since(begin) < span || i < 8; i++ {
		start := time.Now()
		if status := calls[i%len(calls)](); status != http.StatusOK {
			check(fmt.Errorf("beside %q the quiet account got %d", a.name, status))
		}
		took := float64(time.Since(start).Microseconds()) / 1000
		if i%len(calls) == len(calls)-1 {
			writes = append(writes, took)
		} else {
			reads = append(reads, took)
		}
		time.Sleep(2 * time.Millisecond)
	}
	seconds := time.Since(begin).Seconds()
	close(stop)
	rate := func(c *atomic.Int64, before int64) float64 { return float64(c.Load()-before) / seconds }
	n.b.printf("| %s | %d | %.0f | %.0f | %.1f ms | %.1f ms | %.0f ms |\n", a.name, a.clients, rate(&done, before[0]), rate(&refused, before[1]),
		median(reads), median(writes), max(slices.Max(reads), slices.Max(writes)))
	wg.Wait()
}
