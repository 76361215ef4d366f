package auth

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"portolan/api"
)

func limiter(tb testing.TB, text string, now *time.Time) *Limiter {
	tb.Helper()
	l, err := ParseLimits(text, func() time.Time { return *now })
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func retryAfter(tb testing.TB, err error) int {
	tb.Helper()
	var e *api.ThrottlingException
	if !errors.As(err, &e) || e.Message != "Rate exceeded" {
		tb.Fatalf("got %v", err)
	}
	return e.RetryAfterSeconds
}

func TestLimiter_account(t *testing.T) {
	now := testNow
	l := limiter(t, "0.25,burst=2", &now)
	for range 2 {
		if err := l.Allow("1", "GetSites"); err != nil {
			t.Fatal(err)
		}
	}
	if after := retryAfter(t, l.Allow("1", "GetDevices")); after != 4 {
		t.Errorf("retry after %d", after)
	}
	if err := l.Allow("2", "GetSites"); err != nil {
		t.Errorf("another account: %v", err)
	}
	now = now.Add(3500 * time.Millisecond)
	if after := retryAfter(t, l.Allow("1", "GetDevices")); after != 1 {
		t.Errorf("later, retry after %d", after)
	}
	now = now.Add(500 * time.Millisecond)
	if err := l.Allow("1", "GetDevices"); err != nil {
		t.Errorf("a refused call was counted: %v", err)
	}
}

func TestLimiter_operation(t *testing.T) {
	now := testNow
	l := limiter(t, "3, CreateDevice=1", &now)
	if err := l.Allow("1", "CreateDevice"); err != nil {
		t.Fatal(err)
	}
	if after := retryAfter(t, l.Allow("1", "CreateDevice")); after != 1 {
		t.Errorf("retry after %d", after)
	}
	for range 2 { // the refused call cost the account nothing
		if err := l.Allow("1", "GetSites"); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Second)
	for range 3 {
		if err := l.Allow("1", "GetSites"); err != nil {
			t.Fatal(err)
		}
	}
	retryAfter(t, l.Allow("1", "CreateDevice"))
	now = now.Add(time.Second / 3)
	if err := l.Allow("1", "CreateDevice"); err != nil {
		t.Errorf("what the account refused cost the operation: %v", err)
	}
}

func TestLimiter_off(t *testing.T) {
	l, err := ParseLimits("", nil)
	if l != nil || err != nil || l.Allow("1", "GetSites") != nil {
		t.Error(l, err)
	}
	now := testNow
	l = limiter(t, "CreateDevice=1", &now)
	for range 100 {
		if err := l.Allow("1", "GetSites"); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.buckets) != 0 {
		t.Errorf("%d buckets for nothing", len(l.buckets))
	}
}

func TestLimiter_bounded(t *testing.T) {
	now := testNow
	l := limiter(t, "1", &now)
	for i := range maxBuckets + 10 {
		if err := l.Allow(fmt.Sprint(i), "GetSites"); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			_ = l.Allow("0", "GetSites")
		}
	}
	if len(l.buckets) != maxBuckets || l.recent.Len() != maxBuckets {
		t.Errorf("%d, %d buckets", len(l.buckets), l.recent.Len())
	}
	retryAfter(t, l.Allow("0", "GetSites")) // used all the time, it is still there
	if err := l.Allow("1", "GetSites"); err != nil {
		t.Errorf("the one unused for longest: %v", err)
	}
}

func TestParseLimits_refusals(t *testing.T) {
	for _, text := range []string{"x", "0", "-1", "NaN", "Inf", "1,2", "burst=3", "1,burst=0", "1,burst=1,burst=2", "1,Nothing=2", "CreateSite=1,CreateSite=2", "1,CreateSite=", ","} {
		if l, err := ParseLimits(text, nil); err == nil {
			t.Errorf("%q is %+v", text, l)
		}
	}
}

// TestLimiter_isANumber: a bucket is a number that grows with time up to the burst.
func TestLimiter_isANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := testNow
		l, err := ParseLimits("2,burst=5", func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		tokens := 5.0
		for range 50 {
			halves := rapid.IntRange(0, 4).Draw(t, "quarters of a second")
			now = now.Add(time.Duration(halves) * 250 * time.Millisecond)
			tokens = math.Min(5, tokens+float64(halves)*0.5)
			err := l.Allow("1", "GetSites")
			if (err == nil) != (tokens >= 1) {
				t.Fatalf("%v with %v tokens", err, tokens)
			}
			if err == nil {
				tokens--
			}
		}
	})
}

func BenchmarkLimiter(b *testing.B) {
	now := testNow
	l, err := ParseLimits("1e9,CreateDevice=1e9", func() time.Time { now = now.Add(time.Microsecond); return now })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Allow("123456789012", "CreateDevice"); err != nil {
			b.Fatal(err)
		}
	}
}
