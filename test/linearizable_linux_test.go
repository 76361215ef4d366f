package test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sys/unix"
)

// did is one call in a history: of an object, what was asked and of which member.
type did struct{ object, what, member string }

// answered is what a call came to. An unknown one has happened or not.
type answered struct {
	unknown, refused bool
	value            string // a description, a version, or the sorted members of a set
}

// tokens are the client tokens, and aYear is a clock step after which they are forgotten.
var tokens = []string{"a", "b"}

const aYear = "8784h"

// fewDevices is the quota of devices.
const fewDevices = 6

// promised is what each object is. The state is the description of a register; the sorted members of a set; or, of versions, the
// latest number and the versions that client tokens got.
var promised = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, op := range history {
			object := op.Input.(did).object
			by[object] = append(by[object], op)
		}
		var list [][]porcupine.Operation
		for _, ops := range by {
			list = append(list, ops)
		}
		return list
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		in, out, now := input.(did), output.(answered), state.(string)
		members := strings.Fields(now)
		at, has := slices.BinarySearch(members, in.member)
		switch in.what {
		case "read":
			return out.value == now, now
		case "write":
			return true, in.member
		case "add":
			// An association that is there is answered again; a device is another each time, up to the quota.
			again := has && strings.HasPrefix(in.object, "associations")
			full := strings.HasPrefix(in.object, "devices") && len(members) >= fewDevices
			switch {
			case again, out.unknown && full:
				return true, now
			case out.refused:
				return full || strings.HasPrefix(in.object, "associations"), now
			}
			return !has && !full, strings.Join(slices.Insert(members, at, in.member), " ")
		case "remove":
			// What is being deleted is answered again.
			if !has {
				return out.unknown || out.refused || strings.HasPrefix(in.object, "associations"), now
			}
			return !out.refused, strings.Join(slices.Delete(members, at, at+1), " ")
		case "forget": // a token, a day after it was used; the clock has been set that far
			for i, known := range members {
				if token, version, _ := strings.Cut(known, "="); token == in.member {
					members[i] = "=" + version
				}
			}
			return true, strings.Join(members, " ")
		case "version":
			// member is the token, or "" for none.
			for _, known := range members {
				if token, version, _ := strings.Cut(known, "="); in.member != "" && token == in.member {
					return out.unknown || out.value == version, now
				}
			}
			next := strconv.Itoa(len(members) + 1)
			return out.unknown || out.value == next, strings.TrimSpace(now + " " + in.member + "=" + next)
		}
		return false, now
	},
}

// history is what several clients did.
type history struct {
	mu    sync.Mutex
	list  []porcupine.Operation
	clock atomic.Int64
}

func (h *history) record(client int, in did, call func() (string, error)) error {
	called := h.clock.Add(1)
	value, err := call()
	returned := h.clock.Add(1)
	out := answered{value: value}
	var fault smithy.APIError
	switch {
	case err == nil:
	case errors.As(err, &fault) && fault.ErrorFault() == smithy.FaultClient:
		out.refused = true
	case in.what == "read":
		return err
	default:
		out.unknown, returned = true, math.MaxInt64
	}
	if out.refused && (in.what == "read" || in.what == "write" || in.what == "version") {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
	return err
}

// may notes what happens some time from now on, or never.
func (h *history) may(in did) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, porcupine.Operation{Input: in, Call: h.clock.Add(1), Output: answered{unknown: true}, Return: math.MaxInt64})
}

// round is what the clients of one process use. Each process has its own, so that a history stays short.
type round struct {
	number                             int
	gn, devices, cn, link, host, other string
}

func (r *round) object(kind string) string { return fmt.Sprint(kind, " ", r.number) }

// tried is one server under clients, and a disk, a clock and signals that do what they like.
type tried struct {
	t       *testing.T
	history history
	args    []string
	clock   string // the file with its offset
	data    string
}

func (e *tried) start(failing string) *Process {
	e.t.Helper()
	e.t.Setenv("PORTOLAN_FAILPOINTS", failing)
	return Start(e.t, e.args...)
}

func once(p *Process) *networkmanager.Client {
	return networkmanager.New(sdk(p).Options(), func(o *networkmanager.Options) { o.RetryMaxAttempts, o.Retryer = 1, aws.NopRetryer{} })
}

// prepare makes what the clients of a round use.
func (e *tried) prepare(ctx context.Context, c *networkmanager.Client, number int, policy string) *round {
	e.t.Helper()
	r := &round{number: number}
	fail := func(err error) {
		e.t.Helper()
		if err != nil {
			e.t.Fatal(err)
		}
	}
	for _, id := range []*string{&r.gn, &r.devices} {
		made, err := c.CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
		fail(err)
		*id = *made.GlobalNetwork.GlobalNetworkId
	}
	site, err := c.CreateSite(ctx, &networkmanager.CreateSiteInput{GlobalNetworkId: &r.gn})
	fail(err)
	for _, id := range []*string{&r.host, &r.other} {
		made, err := c.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &r.gn, SiteId: site.Site.SiteId})
		fail(err)
		*id = *made.Device.DeviceId
	}
	link, err := c.CreateLink(ctx, &networkmanager.CreateLinkInput{GlobalNetworkId: &r.gn, SiteId: site.Site.SiteId, Bandwidth: &types.Bandwidth{UploadSpeed: aws.Int32(1)}})
	fail(err)
	r.link = *link.Link.LinkId
	cn, err := c.CreateCoreNetwork(ctx, &networkmanager.CreateCoreNetworkInput{GlobalNetworkId: &r.gn})
	fail(err)
	r.cn = *cn.CoreNetwork.CoreNetworkId
	e.act(ctx, c, 0, r, "version", policy, "", nil)
	return r
}

// act makes one call and records it. devices are those that the client has made, by description.
func (e *tried) act(ctx context.Context, c *networkmanager.Client, client int, r *round, what, member, token string, devices map[string]string) error {
	record := func(in did, call func() (string, error)) error { return e.history.record(client, in, call) }
	switch what {
	case "write":
		return record(did{r.object("register"), what, member}, func() (string, error) {
			_, err := c.UpdateGlobalNetwork(ctx, &networkmanager.UpdateGlobalNetworkInput{GlobalNetworkId: &r.gn, Description: &member})
			return "", err
		})
	case "read":
		return record(did{r.object("register"), what, ""}, func() (string, error) {
			out, err := c.DescribeGlobalNetworks(ctx, &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{r.gn}})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.GlobalNetworks[0].Description), nil
		})
	case "create":
		return record(did{r.object("devices"), "add", member}, func() (string, error) {
			out, err := c.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &r.devices, Description: &member})
			if err == nil {
				devices[member] = *out.Device.DeviceId
			}
			return "", err
		})
	case "delete":
		id := devices[member]
		delete(devices, member)
		return record(did{r.object("devices"), "remove", member}, func() (string, error) {
			_, err := c.DeleteDevice(ctx, &networkmanager.DeleteDeviceInput{GlobalNetworkId: &r.devices, DeviceId: &id})
			return "", err
		})
	case "list":
		return record(did{r.object("devices"), "read", ""}, func() (string, error) {
			out, err := c.GetDevices(ctx, &networkmanager.GetDevicesInput{GlobalNetworkId: &r.devices})
			if err != nil {
				return "", err
			}
			var list []string
			for _, d := range out.Devices {
				if d.State != types.DeviceStateDeleting {
					list = append(list, *d.Description)
				}
			}
			slices.Sort(list)
			return strings.Join(list, " "), nil
		})
	case "associate", "disassociate":
		return e.associate(ctx, c, client, r, what, member)
	case "associated":
		return record(did{r.object("associations"), "read", ""}, func() (string, error) {
			out, err := c.GetLinkAssociations(ctx, &networkmanager.GetLinkAssociationsInput{GlobalNetworkId: &r.gn, LinkId: &r.link})
			if err != nil {
				return "", err
			}
			var list []string
			for _, a := range out.LinkAssociations {
				if a.LinkAssociationState != types.LinkAssociationStateDeleting && a.LinkAssociationState != types.LinkAssociationStateDeleted {
					list = append(list, *a.DeviceId)
				}
			}
			slices.Sort(list)
			return strings.Join(list, " "), nil
		})
	default: // version; member is the document
		return record(did{r.object("versions"), "version", token}, func() (string, error) {
			in := &networkmanager.PutCoreNetworkPolicyInput{CoreNetworkId: &r.cn, PolicyDocument: &member}
			if token != "" {
				in.ClientToken = &token
			}
			out, err := c.PutCoreNetworkPolicy(ctx, in, withoutTokens)
			if err != nil {
				return "", err
			}
			return strconv.Itoa(int(*out.CoreNetworkPolicy.PolicyVersionId)), nil
		})
	}
}

// withoutTokens keeps the SDK from inventing a client token.
func withoutTokens(o *networkmanager.Options) { o.IdempotencyTokenProvider = noTokens{} }

type noTokens struct{}

func (noTokens) GetIdempotencyToken() (string, error) { return "", nil }

func (e *tried) associate(ctx context.Context, c *networkmanager.Client, client int, r *round, what, device string) error {
	if what == "associate" {
		return e.history.record(client, did{r.object("associations"), "add", device}, func() (string, error) {
			_, err := c.AssociateLink(ctx, &networkmanager.AssociateLinkInput{GlobalNetworkId: &r.gn, DeviceId: &device, LinkId: &r.link})
			return "", err
		})
	}
	return e.history.record(client, did{r.object("associations"), "remove", device}, func() (string, error) {
		_, err := c.DisassociateLink(ctx, &networkmanager.DisassociateLinkInput{GlobalNetworkId: &r.gn, DeviceId: &device, LinkId: &r.link})
		return "", err
	})
}

// client makes calls at random until the process is gone, and says after each that it was made.
func (e *tried) client(ctx context.Context, p *Process, client int, seed uint64, r *round, policy string, made chan<- struct{}, stop <-chan struct{}) {
	random, c, devices := rand.New(rand.NewPCG(seed, uint64(client))), once(p), map[string]string{}
	for n := 0; ; n++ {
		what := []string{"write", "read", "create", "delete", "list", "associate", "disassociate", "associated", "version"}[random.IntN(9)]
		member, token := fmt.Sprintf("%d-%d-%d", r.number, client, n), ""
		switch what {
		case "delete":
			if len(devices) == 0 {
				continue
			}
			for member = range devices { // any
				break
			}
		case "associate", "disassociate":
			member = []string{r.host, r.other}[random.IntN(2)]
		case "version":
			member, token = policy, append(tokens, "")[random.IntN(3)]
		}
		err := e.act(ctx, c, client, r, what, member, token, devices)
		select {
		case <-stop:
			return
		case made <- struct{}{}:
		}
		var fault smithy.APIError
		if err != nil && !errors.As(err, &fault) && ctx.Err() != nil {
			return
		}
	}
}

// trouble is what happens to a process between the calls of its clients, the last of it its end.
func (e *tried) trouble(p *Process, r *round, random *rand.Rand, calls func(int)) {
	pid := p.cmd.Process.Pid
	must := func(err error) {
		if err != nil {
			e.t.Error(err)
		}
	}
	for range 3 {
		calls(10 + random.IntN(30))
		switch random.IntN(3) {
		case 0: // a pause, and a clock that has gone on
			must(p.cmd.Process.Signal(syscall.SIGSTOP))
			step := []string{"1h", "-1h", aYear, "0s"}[random.IntN(4)]
			if step == aYear {
				for _, token := range tokens {
					e.history.may(did{r.object("versions"), "forget", token})
				}
			}
			must(e.setClock(step))
			must(p.cmd.Process.Signal(syscall.SIGCONT))
		case 1:
			must(e.setClock([]string{"-1m", "2h", "0s"}[random.IntN(3)]))
		case 2: // a disk that is full for a while
			full, free := unix.Rlimit{Cur: 20 << 10, Max: unix.RLIM_INFINITY}, unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
			must(unix.Prlimit(pid, unix.RLIMIT_FSIZE, &full, nil))
			calls(10)
			must(unix.Prlimit(pid, unix.RLIMIT_FSIZE, &free, nil))
		}
	}
	calls(10)
	p.Kill()
}

func (e *tried) setClock(off string) error { return writeAtOnce(e.clock, off) }

// TestLinearizable_oneServer: registers, sets, a quota, client tokens, version numbers and associations of one server are what
// they are said to be, while it is killed, stopped, its disk is full, commits and syncs fail, and its clock is set.
func TestLinearizable_oneServer(t *testing.T) {
	seed, rounds := uint64(1), 3
	if text := os.Getenv("ROBUSTNESS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		rounds = 10
	}
	document, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, dir := string(document), t.TempDir()
	e := &tried{t: t, clock: filepath.Join(dir, "clock"), data: filepath.Join(dir, "data")}
	e.args = []string{"--data", e.data, "--log-level", "error", "--quota", fmt.Sprintf("global-networks=1000,devices=%d", fewDevices)}
	t.Setenv("PORTOLAN_CLOCK_FILE", e.clock)
	if err := e.setClock("0s"); err != nil {
		t.Fatal(err)
	}
	Binary(t) // before the time that the rounds have begins
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*patience)
	defer cancel()
	random := rand.New(rand.NewPCG(seed, 0))
	for number := range rounds {
		p := e.start([]string{"", fmt.Sprintf("store.commit=error@%d", 40+random.IntN(40)), fmt.Sprintf("store.sync=error@%d", 40+random.IntN(40))}[number%3])
		r := e.prepare(ctx, once(p), number, policy)
		made, stop := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		for client := 1; client <= 4; client++ {
			wg.Go(func() { e.client(ctx, p, client, seed+uint64(number), r, policy, made, stop) })
		}
		e.trouble(p, r, random, func(n int) {
			for range n {
				select {
				case <-made:
				case <-ctx.Done():
					t.Fatal("the clients do not get on")
				}
			}
		})
		close(stop)
		wg.Wait()
		again := e.start("")
		for _, what := range []string{"read", "list", "associated"} {
			if err := e.act(ctx, once(again), 0, r, what, "", "", nil); err != nil {
				t.Errorf("round %d, after the end: %s: %v", number, what, err)
			}
		}
		if err := e.act(ctx, once(again), 0, r, "version", policy, "", nil); err != nil {
			t.Errorf("round %d, after the end: %v", number, err)
		}
		again.Kill()
	}
	unknown := 0
	for _, op := range e.history.list {
		if op.Output.(answered).unknown {
			unknown++
		}
	}
	t.Logf("ROBUSTNESS_SEED=%d: %d calls, of %d it is not known whether they happened", seed, len(e.history.list), unknown)
	for _, part := range promised.Partition(e.history.list) {
		if result := porcupine.CheckOperationsTimeout(promised, part, patience); result != porcupine.Ok {
			t.Errorf("ROBUSTNESS_SEED=%d: the history of %s: %s\n%v", seed, part[0].Input.(did).object, result, part)
		}
	}
}

// TestLinearizable_modelRefuses: histories that break one promise each are refused, so that the test above can fail.
func TestLinearizable_modelRefuses(t *testing.T) {
	ok, refused, unknown := answered{}, answered{refused: true}, answered{unknown: true}
	value := func(v string) answered { return answered{value: v} }
	type call struct {
		in  did
		out answered
	}
	all := func(object, what string, n int, out answered) (list []call) {
		for i := range n {
			list = append(list, call{did{object, what, fmt.Sprint(i)}, out})
		}
		return list
	}
	for name, c := range map[string]struct {
		calls []call
		want  bool
	}{
		"a write is read":            {[]call{{did{"register", "write", "x"}, ok}, {did{"register", "read", ""}, value("x")}}, true},
		"a write is lost":            {[]call{{did{"register", "write", "x"}, ok}, {did{"register", "read", ""}, value("")}}, false},
		"an older write comes back":  {[]call{{did{"register", "write", "x"}, ok}, {did{"register", "write", "y"}, ok}, {did{"register", "read", ""}, value("x")}}, false},
		"the quota is filled":        {all("devices", "add", fewDevices, ok), true},
		"the quota is exceeded":      {all("devices", "add", fewDevices+1, ok), false},
		"a device is refused early":  {[]call{{did{"devices", "add", "a"}, refused}}, false},
		"a deleted device is listed": {[]call{{did{"devices", "add", "a"}, ok}, {did{"devices", "remove", "a"}, ok}, {did{"devices", "read", ""}, value("a")}}, false},
		"a token answers again":      {[]call{{did{"versions", "version", "a"}, value("1")}, {did{"versions", "version", "a"}, value("1")}}, true},
		"a token works twice":        {[]call{{did{"versions", "version", "a"}, value("1")}, {did{"versions", "version", "a"}, value("2")}}, false},
		"a token is forgotten":       {[]call{{did{"versions", "version", "a"}, value("1")}, {did{"versions", "forget", "a"}, unknown}, {did{"versions", "version", "a"}, value("2")}}, true},
		"a number is given twice":    {[]call{{did{"versions", "version", ""}, value("1")}, {did{"versions", "version", ""}, value("1")}}, false},
		"an association is lost":     {[]call{{did{"associations", "add", "d"}, ok}, {did{"associations", "read", ""}, value("")}}, false},
		"an unknown write may be":    {[]call{{did{"register", "write", "x"}, unknown}, {did{"register", "read", ""}, value("x")}}, true},
		"an unknown write may not":   {[]call{{did{"register", "write", "x"}, unknown}, {did{"register", "read", ""}, value("")}}, true},
	} {
		var history []porcupine.Operation
		for i, made := range c.calls {
			returned := int64(2*i + 1)
			if made.out.unknown {
				returned = math.MaxInt64
			}
			history = append(history, porcupine.Operation{Input: made.in, Output: made.out, Call: int64(2 * i), Return: returned})
		}
		if got := porcupine.CheckOperations(promised, history); got != c.want {
			t.Errorf("%s: linearizable is %v, want %v", name, got, c.want)
		}
	}
}
