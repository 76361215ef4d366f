package auth

import (
	"container/list"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"portolan/api"
)

// Limiter lets each account make so many calls a second, and so many of some operations, with token buckets. A nil
// Limiter lets all calls pass. It is safe for concurrent use.
type Limiter struct {
	account    limit
	operations map[string]limit
	now        func() time.Time

	mu      sync.Mutex
	buckets map[bucketKey]*list.Element
	recent  list.List // of *bucket, the last used first
}

type limit struct {
	rate  rate.Limit // calls a second; 0: no limit
	burst int
}

// bucketKey has no operation for the bucket of all of an account's calls.
type bucketKey struct{ account, operation string }

type bucket struct {
	key bucketKey
	*rate.Limiter
}

// maxBuckets bounds the memory callers can claim by making up accounts. Beyond it the bucket unused for longest goes;
// it would mostly be full again anyway.
const maxBuckets = 10_000

// ParseLimits makes a Limiter of a text such as "100", "100,burst=200,CreateDevice=5" or "CreateDevice=0.5": calls a
// second of an account, how many of them may come at once (by default as many as in a second), and calls a second of
// operations, counted on top. An empty text gives nil: no limits. now is the clock, nil for time.Now.
func ParseLimits(text string, now func() time.Time) (*Limiter, error) {
	if text == "" {
		return nil, nil
	}
	if now == nil {
		now = time.Now
	}
	l := &Limiter{operations: map[string]limit{}, now: now, buckets: map[bucketKey]*list.Element{}}
	burst := 0
	for part := range strings.SplitSeq(text, ",") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		if named && name == "burst" {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > math.MaxInt32 || burst != 0 {
				return nil, fmt.Errorf("rate limit: burst must be a number of calls and be given once, not %q", part)
			}
			burst = n
			continue
		}
		if !named {
			name, value = "", name
		}
		calls, ok := parseNumber(value)
		if !ok || calls <= 0 || calls > 1e9 {
			return nil, fmt.Errorf("rate limit: %q is not a number of calls a second", value)
		}
		limit := limit{rate.Limit(calls), int(math.Ceil(calls))}
		_, twice := l.operations[name]
		switch {
		case !named && l.account.rate != 0, twice:
			return nil, fmt.Errorf("rate limit: %q is there twice", part)
		case !named:
			l.account = limit
		case api.OperationByName(name) == nil:
			return nil, fmt.Errorf("rate limit: there is no operation %q", name)
		default:
			l.operations[name] = limit
		}
	}
	switch {
	case burst != 0 && l.account.rate == 0:
		return nil, fmt.Errorf("rate limit: burst needs the calls a second it is about, such as 100,burst=%d", burst)
	case burst != 0:
		l.account.burst = burst
	}
	return l, nil
}

// Allow takes a call into account. The error is an [api.ThrottlingException] that says after how many seconds the next
// call would pass; a refused call costs nothing.
func (l *Limiter) Allow(account, operation string) error {
	if l == nil {
		return nil
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var taken [2]*rate.Reservation
	var wait time.Duration
	for i, ask := range [2]struct {
		limit limit
		key   bucketKey
	}{
		{l.operations[operation], bucketKey{account, operation}},
		{l.account, bucketKey{account, ""}},
	} {
		if ask.limit.rate == 0 {
			continue
		}
		taken[i] = l.bucket(ask.key, ask.limit).ReserveN(now, 1)
		wait = max(wait, taken[i].DelayFrom(now))
	}
	if wait == 0 {
		return nil
	}
	for _, r := range taken {
		if r != nil {
			r.CancelAt(now)
		}
	}
	return &api.ThrottlingException{Message: "Rate exceeded", RetryAfterSeconds: int(math.Ceil(wait.Seconds()))}
}

func (l *Limiter) bucket(key bucketKey, limit limit) *bucket {
	if e := l.buckets[key]; e != nil {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if len(l.buckets) >= maxBuckets {
		last := l.recent.Back()
		delete(l.buckets, l.recent.Remove(last).(*bucket).key)
	}
	b := &bucket{key, rate.NewLimiter(limit.rate, limit.burst)}
	l.buckets[key] = l.recent.PushFront(b)
	return b
}
