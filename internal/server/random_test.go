package server_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/auth"
	"portolan/internal/catalog"
	"portolan/internal/failpoint"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/server"
	"portolan/internal/state"
	"portolan/internal/store"
)

// randomCalls makes calls of all operations at random: what an answer has is what later calls are about.
type randomCalls struct {
	*facts
	random *rand.Rand
	known  map[string][]string // values by the shape, or the member, they were seen in
}

func newRandomCalls(t *testing.T, seed uint64) *randomCalls {
	c := &randomCalls{readFacts(t), rand.New(rand.NewPCG(seed, 1)), map[string][]string{}}
	for _, segment := range [...]string{"prod", "dev"} {
		const document = `{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64555"],"edge-locations":[{"location":"us-west-2"},{"location":"eu-west-1"}]},` +
			`"segments":[{"name":"prod","require-attachment-acceptance":false},{"name":"dev"}],"attachment-policies":[{"rule-number":1,"conditions":[{"type":"any"}],` +
			`"action":{"association-method":"constant","segment":"%s"}}]}`
		c.known["CoreNetworkPolicyDocument"] = append(c.known["CoreNetworkPolicyDocument"], fmt.Sprintf(document, segment))
	}
	c.known["ExternalRegionCode"] = []string{"us-west-2", "eu-west-1"}
	c.known["ResourcePolicyDocument"] = []string{`{"Statement":{"Effect":"Allow","Principal":"*","Action":"networkmanager:*","Resource":"*"}}`}
	return c
}

// randomCall is one request.
type randomCall struct{ account, method, path, body string }

func (c randomCall) String() string {
	return c.account + " " + c.method + " " + c.path + " " + c.body
}

func (c *randomCalls) chance(percent int) bool { return c.random.IntN(100) < percent }

func pick[T any](c *randomCalls, list []T) T { return list[c.random.IntN(len(list))] }

// next is a call. What deletes is rarer than what makes; what is about something of which nothing is known yet, rarer still.
func (c *randomCalls) next() randomCall {
	account := fmt.Sprintf("%012d", 1+c.random.IntN(3))
	switch n := c.random.IntN(100); {
	case n < 4:
		return randomCall{account, "GET", "/_portolan/events?limit=1000", ""}
	case n < 6 && len(c.known["CoreNetworkId"]) > 0:
		return randomCall{account, "GET", "/_portolan/snapshot?core-network=" + pick(c, c.known["CoreNetworkId"]), ""}
	}
	for {
		op := &api.Operations[c.random.IntN(len(api.Operations))]
		input := c.Shapes[c.Operations[op.Name].Input]
		if strings.HasPrefix(op.Name, "Delete") && c.chance(60) || !c.knows(input) && c.chance(95) {
			continue
		}
		path, query, body := request(op, input, c.members(input))
		if query != "" {
			path += "?" + query
		}
		return randomCall{account, op.Method, path, body}
	}
}

// knows tells whether there is something to name for each id that is required.
func (c *randomCalls) knows(s factShape) bool {
	return !slices.ContainsFunc(s.Required, func(name string) bool {
		shape := s.Members[name].Shape
		return strings.HasSuffix(shape, "Id") && len(c.known[shape]) == 0
	})
}

func (c *randomCalls) members(s factShape) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		chance := 30
		switch {
		case slices.Contains(s.Required, name):
			chance = 99
		case name == "NextToken", name == "ClientToken":
			chance = 10
		}
		if c.chance(chance) {
			object[name] = c.value(s.Members[name].Shape, name)
		}
	}
	return object
}

func (c *randomCalls) value(shape, member string) any {
	s := c.Shapes[shape]
	switch s.Type {
	case "string":
		known := c.known[shape]
		if len(known) == 0 {
			known = c.known[member]
		}
		switch {
		case len(s.Enum) > 0:
			return pick(c, s.Enum)
		case len(known) > 0 && c.chance(95):
			return pick(c, known[max(0, len(known)-6):])
		case member == "ClientToken":
			return pick(c, []string{"a", "b", "c"})
		case samples[shape] != "":
			return samples[shape]
		}
		return fmt.Sprint("x", c.random.IntN(3))
	case "integer", "long":
		return 1 + c.random.IntN(4)
	case "boolean":
		return c.chance(50)
	case "list":
		list := []any{}
		for range 1 + c.random.IntN(2) {
			list = append(list, c.value(s.Member.Shape, strings.TrimSuffix(member, "s")))
		}
		return list
	case "map":
		return map[string]any{"k": c.value(s.Value.Shape, "")}
	default:
		return c.members(s)
	}
}

// learn takes names out of an answer.
func (c *randomCalls) learn(answer string) {
	var v any
	if json.Unmarshal([]byte(answer), &v) != nil {
		return
	}
	c.learnFrom("", v)
}

func (c *randomCalls) learnFrom(member string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			c.learnFrom(name, v[name])
		}
	case []any:
		for _, one := range v {
			c.learnFrom("", one)
		}
	case string:
		if strings.HasPrefix(v, "arn:aws:networkmanager:") {
			c.add("ResourceArn", v)
		}
		if strings.HasSuffix(member, "Id") || member == "NextToken" {
			c.add(member, v)
		}
	}
}

func (c *randomCalls) add(shape, value string) {
	if list := c.known[shape]; len(list) == 0 || list[len(list)-1] != value {
		c.known[shape] = append(list, value)
	}
}

// machine is a server that nothing moves but what it is told: its clock, its randomness and its failures are given.
type machine struct {
	t       *testing.T
	now     time.Time
	random  rand.Source
	catalog catalog.Catalog
	fail    *failpoint.Points
	open    func() store.Store
	store   store.Store
	srv     *server.Server
}

func newMachine(t *testing.T, seed uint64, known catalog.Catalog, open func(*failpoint.Points) store.Store) *machine {
	m := &machine{t: t, catalog: known, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), random: rand.NewPCG(seed, 2), fail: failpoint.New()}
	m.open = func() store.Store { return open(m.fail) }
	m.store = m.open()
	t.Cleanup(func() { _ = m.store.Close() })
	m.begin()
	return m
}

// begin makes a new process on what is stored.
func (m *machine) begin() {
	m.t.Helper()
	profile, err := lifecycle.ParseProfile("instant,attachment.CREATING=3s,site.PENDING=1h")
	if err != nil {
		m.t.Fatal(err)
	}
	clock := func() time.Time { return m.now }
	shares := new(auth.ResourcePolicies)
	n, err := node.New(m.t.Context(), node.Config{
		Store: m.store, Now: clock, Random: m.random, Secrets: rand.NewChaCha8([32]byte{}), Profile: profile, Catalog: m.catalog, Fail: m.fail,
		Quotas: state.Quotas{"devices": 20}, CheckResourcePolicy: shares.Check, Grants: shares.Grants, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.srv = server.New(server.Config{Service: n, Now: clock, Authorizer: &auth.Authorizer{Tags: n, Sharing: n, Policies: shares}})
	m.srv.SetReady(true)
}

// restart ends the process, as when it is killed, and begins another.
func (m *machine) restart() {
	m.t.Helper()
	if _, onDisk := m.store.(store.HealthChecker); onDisk {
		if err := m.store.Close(); err != nil {
			m.t.Fatal(err)
		}
		m.store = m.open()
	}
	m.begin()
}

// answer is what is answered, without the id of the request.
func (m *machine) answer(c randomCall) (status int, text string) {
	r := httptest.NewRequestWithContext(m.t.Context(), c.method, c.path, strings.NewReader(c.body))
	r.Host = "localhost"
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.account+"/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	m.srv.ServeHTTP(w, r)
	return w.Code, w.Header().Get("X-Amzn-Errortype") + " " + w.Body.String()
}

func (m *machine) dump() string {
	m.t.Helper()
	var b strings.Builder
	if err := m.store.View(m.t.Context(), func(r store.Reader) error { return store.Dump(r, &b) }); err != nil {
		m.t.Fatal(err)
	}
	return b.String()
}

// moveClock sets the clock: mostly ahead, sometimes back.
func (c *randomCalls) moveClock(m *machine) time.Duration {
	by := time.Duration(c.random.Int64N(int64(4 * time.Second)))
	switch n := c.random.IntN(100); {
	case n < 3:
		by = -time.Hour
	case n < 6:
		by = time.Hour
	case n < 7:
		by = 366 * 24 * time.Hour
	}
	m.now = m.now.Add(by)
	return by
}
