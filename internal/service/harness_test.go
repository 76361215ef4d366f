package service_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/node"
	"portolan/internal/state"
	"portolan/internal/store"
)

// world is a service over a store in memory, a clock that stands still until it is moved, and seeded ids.
type world struct {
	*node.Node
	t   *testing.T
	ctx context.Context
	now time.Time
}

func newWorld(t *testing.T, change ...func(*node.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	w.ctx = w.as("111122223333")
	cfg := node.Config{
		Store:  store.OpenMemory(),
		Now:    func() time.Time { return w.now },
		Random: rand.NewPCG(1, 2),
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := node.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := state.Verify(context.Background(), cfg.Store, func(f store.Finding) { t.Errorf("what is stored contradicts itself: %s", f) })
		if err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
		_ = cfg.Store.Close()
	})
	w.Node = s
	return w
}

// as is a context for calls of the account.
func (w *world) as(account string) context.Context {
	return api.WithCaller(w.t.Context(), api.Caller{Account: account, Partition: "aws"})
}

func withProfile(t *testing.T, text string) func(*node.Config) {
	p, err := lifecycle.ParseProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *node.Config) { c.Profile = p }
}

func withQuota(name string, n int) func(*node.Config) {
	return func(c *node.Config) { c.Quotas = state.Quotas{name: n} }
}

// must calls an operation that has to succeed.
func must[I, O any](w *world, call func(context.Context, *I) (*O, error), in I) *O {
	w.t.Helper()
	out, err := call(w.ctx, &in)
	if err != nil {
		w.t.Fatalf("%T: %v%s", in, err, fieldsOf(err))
	}
	return out
}

// fails calls an operation that has to fail with an error of type E, and returns it.
func fails[E error, I, O any](w *world, call func(context.Context, *I) (*O, error), in I) E {
	w.t.Helper()
	out, err := call(w.ctx, &in)
	var want E
	if !errors.As(err, &want) {
		w.t.Fatalf("%T: got %v, %v%s; want a %v", in, out, err, fieldsOf(err), reflect.TypeFor[E]())
	}
	return want
}

func fieldsOf(err error) string {
	var v *api.ValidationException
	if errors.As(err, &v) && len(v.Fields) > 0 {
		return " " + v.Fields[0].Name + ": " + v.Fields[0].Message
	}
	var p *api.CoreNetworkPolicyException
	if errors.As(err, &p) && len(p.Errors) > 0 {
		return " " + p.Errors[0].Message
	}
	return ""
}

type (
	notFound   = *api.ResourceNotFoundException
	conflict   = *api.ConflictException
	validation = *api.ValidationException
	quota      = *api.ServiceQuotaExceededException
)

// wantField checks that a field-style ValidationException names exactly the field.
func wantField(t *testing.T, err validation, field string) {
	t.Helper()
	if err.Message != "Incorrect input." || err.Reason != "FieldValidationFailed" || len(err.Fields) != 1 || err.Fields[0].Name != field {
		t.Errorf("got %q %s %v, want field %s alone", err.Message, err.Reason, err.Fields, field)
	}
}

// wantSentence checks that a rule-style ValidationException holds the words that clients look for.
func wantSentence(t *testing.T, err validation, words string) {
	t.Helper()
	if err.Reason != "Other" || len(err.Fields) > 0 || !strings.Contains(err.Message, words) {
		t.Errorf("got %s %q %v, want Other with %q", err.Reason, err.Message, err.Fields, words)
	}
}

func (w *world) globalNetwork() string {
	w.t.Helper()
	return must(w, w.CreateGlobalNetwork, api.CreateGlobalNetworkInput{}).GlobalNetwork.GlobalNetworkId
}

func (w *world) site(gn string) string {
	w.t.Helper()
	return must(w, w.CreateSite, api.CreateSiteInput{GlobalNetworkId: gn}).Site.SiteId
}

func (w *world) device(gn, site string) string {
	w.t.Helper()
	return must(w, w.CreateDevice, api.CreateDeviceInput{GlobalNetworkId: gn, SiteId: &site}).Device.DeviceId
}

func (w *world) link(gn, site string) string {
	w.t.Helper()
	return must(w, w.CreateLink, api.CreateLinkInput{GlobalNetworkId: gn, SiteId: site, Bandwidth: &api.Bandwidth{UploadSpeed: new(int32(10))}}).Link.LinkId
}

// linkedDevice is a device with a link associated, both at one site.
func (w *world) linkedDevice(gn string) (device, link, site string) {
	w.t.Helper()
	site = w.site(gn)
	device, link = w.device(gn, site), w.link(gn, site)
	must(w, w.AssociateLink, api.AssociateLinkInput{GlobalNetworkId: gn, DeviceId: device, LinkId: link})
	return device, link, site
}
