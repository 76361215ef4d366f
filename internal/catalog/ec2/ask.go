package ec2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"portolan/internal/catalog"
)

const (
	maxAnswers = 20_000
	maxPlaces  = 1_000           // Regions of accounts whose silence is remembered
	maxAsking  = 16              // questions under way at a time
	holdOff    = 3 * time.Second // how long a silent endpoint is left alone
)

// answer is what is known of one ARN.
type answer struct {
	arn     string
	at      time.Time // of the last answer; zero: there was none
	value   any
	missing bool // the answer was that there is no such thing
	unknown bool // the endpoint does not serve such things

	asking  chan struct{} // closed when the question under way is over; nil: none is
	failed  time.Time     // when the last question failed; zero: it did not
	failure error
}

// target is who is to be asked for what.
type target struct{ region, account, id string }

func (t target) place() string { return t.region + "/" + t.account }

func parse(arn, resourceType string) (target, error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[5] != resourceType+"/"+catalog.IDOf(arn) {
		return target{}, fmt.Errorf("%.200q is no ARN of a %s: %w", arn, resourceType, catalog.ErrNotFound)
	}
	return target{f[3], f[4], catalog.IDOf(arn)}, nil
}

// ask gives the answer that is kept, or has it asked for. Many who want the same wait for one question; the question goes
// on when one of them gives up. After a failure the earlier answer holds, and nobody asks again for a moment: a silent
// endpoint must not make every request wait.
func ask[T any](ctx context.Context, c *Catalog, arn, resourceType string, describe func(context.Context, target) (*T, error)) (*T, error) {
	to, err := parse(arn, resourceType)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.answer(arn)
	now := c.cfg.Now()
	switch {
	case !a.at.IsZero() && catalog.Within(now, a.at, c.cfg.TTL):
		return known[T](a)
	case a.asking == nil && catalog.Within(now, a.failed, holdOff):
		return known[T](a)
	case a.asking == nil:
		if s := c.silent[to.place()]; catalog.Within(now, s.at, holdOff) {
			a.failure = s.err
			return known[T](a)
		}
		a.asking = make(chan struct{})
		go c.find(context.WithoutCancel(ctx), a, to, func(ctx context.Context) (any, error) { return describe(ctx, to) })
	}
	done := a.asking
	c.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	c.mu.Lock()
	if err := ctx.Err(); err != nil && a.at.IsZero() {
		return nil, fmt.Errorf("%s: %w: %w", arn, catalog.ErrUnavailable, err)
	}
	return known[T](a)
}

// known is what an answer says, fresh or not.
func known[T any](a *answer) (*T, error) {
	switch {
	case a.at.IsZero():
		return nil, fmt.Errorf("%s: %w: %w", a.arn, catalog.ErrUnavailable, a.failure)
	case a.unknown:
		return nil, fmt.Errorf("%s: %w", a.arn, catalog.ErrUnsupported)
	case a.missing:
		return nil, fmt.Errorf("%s: %w", a.arn, catalog.ErrNotFound)
	}
	value, _ := a.value.(*T) // the type goes with the ARN
	return value, nil
}

// answer is the place of an ARN's answer. When there are too many, the one nobody wanted for longest goes.
func (c *Catalog) answer(arn string) *answer {
	if e, ok := c.answers[arn]; ok {
		c.wanted.MoveToFront(e)
		return e.Value.(*answer)
	}
	if c.wanted.Len() >= c.cfg.MaxAnswers {
		last := c.wanted.Back()
		delete(c.answers, last.Value.(*answer).arn)
		c.wanted.Remove(last)
	}
	a := &answer{arn: arn}
	c.answers[arn] = c.wanted.PushFront(a)
	return a
}

// silence is an endpoint that could not be reached for a Region of an account.
type silence struct {
	at  time.Time
	err error
}

// find asks and notes the outcome.
func (c *Catalog) find(ctx context.Context, a *answer, to target, describe func(context.Context) (any, error)) {
	c.asking <- struct{}{}
	c.mu.Lock()
	s := c.silent[to.place()]
	silent := catalog.Within(c.cfg.Now(), s.at, holdOff) // it became so while this question waited
	c.mu.Unlock()
	var value any
	err := s.err
	if !silent {
		ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
		value, err = describe(ctx)
		cancel()
	}
	<-c.asking

	missing := err != nil && (errors.Is(err, catalog.ErrNotFound) || isNotFound(err))
	unsupported := err != nil && !missing && !silent && isUnsupported(err)
	switch {
	case unsupported:
		c.lacks(kindOf(a.arn), err)
	case err != nil && !missing && !silent:
		c.cfg.Failed()
		c.cfg.Log.Warn("EC2 did not answer", "arn", a.arn, "error", err)
	}
	c.mu.Lock()
	now := c.cfg.Now()
	if err == nil || missing || unsupported {
		a.value, a.missing, a.unknown, a.at = value, missing, unsupported, now
		a.failed, a.failure = time.Time{}, nil
		delete(c.silent, to.place())
	} else {
		a.failed, a.failure = now, err
		if !silent && isSilence(err) { // others need not find it out again
			if len(c.silent) >= maxPlaces {
				clear(c.silent)
			}
			c.silent[to.place()] = silence{now, err}
		}
	}
	close(a.asking)
	a.asking = nil
	c.mu.Unlock()
}

// without goes on without a part of an answer that the endpoint does not know, and notes that.
func (c *Catalog) without(kind string, err error) error {
	if err != nil && isUnsupported(err) {
		c.lacks(kind, err)
		return nil
	}
	return err
}

// isSilence tells whether nobody spoke, or only something in between.
func isSilence(err error) bool {
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &response) {
		var refusal smithy.APIError
		return !errors.As(err, &refusal)
	}
	switch response.HTTPStatusCode() {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isUnsupported tells whether the endpoint does not know an action, a filter or a whole service, or answers in a form that
// is not the service's.
func isUnsupported(err error) bool {
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotImplemented {
		return true
	}
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		var form *smithy.DeserializationError
		return errors.As(err, &form) && !isCut(err) && !isSilence(err)
	}
	switch refusal.ErrorCode() {
	case "InvalidAction", "UnknownAction", "UnknownOperation", "UnknownOperationException", "NotImplemented", "NotImplementedException",
		"FilterNotImplementedError", "InvalidFilter":
		return true
	case "InvalidParameterValue":
		return strings.Contains(strings.ToLower(refusal.ErrorMessage()), "filter")
	case "UnknownError", "NotFound", "MethodNotAllowed": // no code in the reply: the words are of whoever serves the address
		return response != nil && (response.HTTPStatusCode() == http.StatusNotFound || response.HTTPStatusCode() == http.StatusMethodNotAllowed)
	}
	return false
}

// isCut tells whether a reply was not read to its end: it was too long, the time was over, or the connection broke.
func isCut(err error) bool {
	var long *http.MaxBytesError
	var broken net.Error
	return errors.As(err, &long) || errors.As(err, &broken) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)
}

// kindOf is the resource type in an ARN.
func kindOf(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	kind, _, _ := strings.Cut(f[len(f)-1], "/")
	return kind
}

// lacks notes that the endpoint does not serve a kind of resource, and says so once.
func (c *Catalog) lacks(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, said := c.lacking[kind]; said {
		return
	}
	c.lacking[kind] = struct{}{}
	c.cfg.Log.Warn("the EC2 endpoint does not know a kind of resource: references to it are taken unchecked", "kind", kind, "error", err)
}

// Unsupported are the kinds of resources that the endpoint turned out not to know: dx-gateway. References to them are
// taken as they are without a catalog.
func (c *Catalog) Unsupported() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.lacking))
}

// isNotFound knows EC2's codes, such as InvalidVpcID.NotFound, and Direct Connect's.
func isNotFound(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	code := e.ErrorCode()
	return strings.HasSuffix(code, "NotFound") || strings.HasSuffix(code, ".Malformed") || strings.HasSuffix(code, "NotFoundException")
}
