// Package importer makes a network snapshot of a core network of an account, with calls that only read, and compares the
// tables computed from it with those that AWS shows.
//
// Nothing is guessed: what could not be read is in the report with the IAM action that was missing, and every prefix says
// which call it is known from. It must not know where the snapshot goes, nor how keys are found.
package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager/types"
	"github.com/aws/smithy-go"

	"portolan/internal/catalog"
	"portolan/internal/snapshot"
	"portolan/policy"
)

// Config says what is read, and how.
type Config struct {
	AWS         aws.Config      // Region, keys, endpoint and HTTP client of Network Manager
	Catalog     catalog.Catalog // of what EC2 owns; nil: it is not asked
	CoreNetwork string          // empty: the only one of the account
	Parallel    int             // calls at a time; default 5
	Retryer     aws.Retryer     // default: [Retryer]

	Now      func() time.Time             // default time.Now
	Progress func(what string, n, of int) // may be nil; is called from one goroutine at a time
}

// Import is a core network that was read.
type Import struct {
	Snapshot *snapshot.Snapshot
	Report   *Report

	reader *reader
}

// Read reads a core network. The error says why there is no snapshot: half of the attachments would be another network.
// What is missing beside that is in the report.
func Read(ctx context.Context, cfg Config) (*Import, error) {
	r := newReader(cfg)
	if err := r.network(ctx); err != nil {
		return nil, err
	}
	if err := r.announcements(ctx); err != nil {
		return nil, err
	}
	if err := r.unchanged(ctx); err != nil {
		return nil, err
	}
	r.report.finish(r)
	return &Import{Snapshot: r.snap, Report: r.report, reader: r}, nil
}

// reader is one reading of a core network.
type reader struct {
	cfg    Config
	client *networkmanager.Client
	slots  chan struct{}
	calls  atomic.Int64

	mu     sync.Mutex // of report, and of what each of several calls adds to the snapshot
	report *Report

	snap          *snapshot.Snapshot
	policy        *policy.Policy // LIVE
	globalNetwork string
}

func newReader(cfg Config) *reader {
	if cfg.Parallel <= 0 {
		cfg.Parallel = 5
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	if cfg.Retryer == nil {
		cfg.Retryer = Retryer(nil)
	}
	return &reader{
		cfg: cfg, slots: make(chan struct{}, cfg.Parallel), report: &Report{At: cfg.Now().UTC().Truncate(time.Second)},
		client: networkmanager.NewFromConfig(cfg.AWS, func(o *networkmanager.Options) { o.Retryer = cfg.Retryer }),
	}
}

// ask makes one call, as soon as fewer are under way than may be.
func ask[I, O any](ctx context.Context, r *reader, f func(context.Context, *I, ...func(*networkmanager.Options)) (*O, error), in I) (*O, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.slots }()
	r.calls.Add(1)
	return f(ctx, &in)
}

// maxPages bounds a list: an endpoint that gives the same token again would be asked for ever.
const maxPages = 10_000

// pages calls until there is no next page. An error on any of them is an error of all: half a list is a wrong one.
func pages[O any](ctx context.Context, call func(context.Context, *string) (*O, *string, error), each func(*O)) error {
	var token *string
	for range maxPages {
		out, next, err := call(ctx, token)
		if err != nil {
			return err
		}
		each(out)
		if aws.ToString(next) == "" {
			return nil
		}
		if aws.ToString(next) == aws.ToString(token) {
			return errors.New("the endpoint answers the same page token twice")
		}
		token = next
	}
	return fmt.Errorf("more than %d pages", maxPages)
}

// each calls f for every element, as many at a time as calls may be. The first error ends it.
func each[T any](ctx context.Context, r *reader, what string, list []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan T)
	done := 0
	for range min(r.cfg.Parallel, len(list)) {
		wg.Go(func() {
			for one := range next {
				if err := f(ctx, one); err != nil {
					cancel(err)
				}
				r.mu.Lock()
				done++
				r.cfg.Progress(what, done, len(list))
				r.mu.Unlock()
			}
		})
	}
	for _, one := range list {
		select {
		case next <- one:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// coreNetwork finds the core network to read.
func (r *reader) coreNetwork(ctx context.Context) (string, error) {
	if r.cfg.CoreNetwork != "" {
		return r.cfg.CoreNetwork, nil
	}
	var ids []string
	err := pages(ctx, func(ctx context.Context, token *string) (*networkmanager.ListCoreNetworksOutput, *string, error) {
		out, err := ask(ctx, r, r.client.ListCoreNetworks, networkmanager.ListCoreNetworksInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out, out.NextToken, nil
	}, func(out *networkmanager.ListCoreNetworksOutput) {
		for i := range out.CoreNetworks {
			ids = append(ids, aws.ToString(out.CoreNetworks[i].CoreNetworkId))
		}
	})
	slices.Sort(ids)
	switch {
	case err != nil:
		return "", necessary("ListCoreNetworks", err)
	case len(ids) == 0:
		return "", fmt.Errorf("the account has no core network in %s, and none is shared with it", r.cfg.AWS.Region)
	case len(ids) > 1:
		return "", fmt.Errorf("there is more than one core network: name one of %v", ids)
	}
	return ids[0], nil
}

// unchanged fails when another policy became LIVE while tables were read: they would be of two networks.
func (r *reader) unchanged(ctx context.Context) error {
	out, err := ask(ctx, r, r.client.GetCoreNetworkPolicy, networkmanager.GetCoreNetworkPolicyInput{
		CoreNetworkId: &r.snap.CoreNetworkID, Alias: types.CoreNetworkPolicyAliasLive,
	})
	if err != nil {
		return necessary("GetCoreNetworkPolicy", err)
	}
	if out.CoreNetworkPolicy == nil || aws.ToInt32(out.CoreNetworkPolicy.PolicyVersionId) != r.snap.PolicyVersionID {
		return errors.New("another policy version became LIVE while the core network was read: run the command again")
	}
	return nil
}

// necessary is the error of a call without which there is no snapshot, with the IAM action when it was denied.
func necessary(operation string, err error) error {
	if isDenied(err) {
		return fmt.Errorf("networkmanager:%s is not allowed, and there is no snapshot without it: %w", operation, plain(err))
	}
	return fmt.Errorf("%s: %w", operation, plain(err))
}

func isDenied(err error) bool {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException":
		return true
	}
	return false
}

// Redact replaces account ids in the snapshot and in the report.
func (im *Import) Redact(by *Redactor) error {
	text, err := im.Snapshot.JSON()
	if err != nil {
		return err
	}
	s, err := snapshot.Parse([]byte(by.Text(string(text))))
	if err != nil {
		return err
	}
	im.Snapshot = s
	for i := range im.Report.Unread {
		im.Report.Unread[i].Error = by.Text(im.Report.Unread[i].Error) // it names who was refused
	}
	return nil
}
