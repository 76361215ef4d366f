package notify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portolan/internal/turns"
	"portolan/policy"
	"portolan/routing"
)

// TestOwnTurns_waitNotForLong: an account that keeps its turns does not hold up what is published of others, however much that is.
func TestOwnTurns_waitNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := new(turns.Turns)
		own := &ownTurns{turns: all, account: "a", patience: longestWait}
		wants := errors.New("computed")
		began := time.Now()
		compute := func(ctx context.Context, after time.Duration, want error) {
			t.Helper()
			err := own.compute(ctx, func() error { return wants })
			if took := time.Since(began); !errors.Is(err, want) || took != after {
				t.Errorf("%v after %v, want %v after %v", err, took, want, after)
			}
		}
		compute(t.Context(), 0, wants)
		compute(t.Context(), 0, wants) // the turn has been given back
		var held []func()
		for range turns.AtATime() {
			_, done, err := all.Take(t.Context(), "a", turns.Question, 0)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, done)
		}
		go func() {
			time.Sleep(longestWait / 3)
			held[0]()
		}()
		compute(t.Context(), longestWait/3, wants)
		_, held[0], _ = all.Take(t.Context(), "a", turns.Question, 0)
		compute(t.Context(), longestWait, wants)
		compute(t.Context(), longestWait, wants) // it has waited enough
		ended, end := context.WithCancel(t.Context())
		end()
		compute(ended, longestWait, context.Canceled)
		for _, done := range held {
			done()
		}
	})
}

// TestChanges_inParts: events are the same, and in the same order, however the prefixes are divided among turns.
func TestChanges_inParts(t *testing.T) {
	doc, errs := policy.Parse([]byte(`{"version":"2021.12","core-network-configuration":{"asn-ranges":["64512-64520"],"edge-locations":[{"location":"us-east-1"},{"location":"us-west-2"}]},
		"segments":[{"name":"aa","require-attachment-acceptance":false},{"name":"bb","require-attachment-acceptance":false}]}`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	compiled, errs := policy.Compile(doc, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	announced := func(segment, edge string, prefixes ...string) routing.Attachment {
		a := routing.Attachment{ID: "attachment-" + segment, Type: policy.TypeVPC, Segment: segment, Edges: []string{edge}}
		for _, p := range prefixes {
			a.Announcements = append(a.Announcements, routing.Announcement{Prefix: netip.MustParsePrefix(p)})
		}
		return a
	}
	tables := func(list ...routing.Attachment) *routing.Tables {
		computed, err := routing.Compute(routing.Network{Policy: compiled, Attachments: list})
		if err != nil {
			t.Fatal(err)
		}
		return computed
	}
	before := &published{tables: tables(announced("aa", "us-east-1", "10.0.0.0/24", "10.0.3.0/24"))}
	after := &published{tables: tables(announced("aa", "us-east-1", "10.0.3.0/24", "172.16.0.0/24"), announced("bb", "us-west-2", "10.0.1.0/24", "10.0.2.0/24"))}
	prefixes := after.tables.ChangedPrefixes(before.tables)
	events := func(size int) string {
		after.number = 0
		x := after.changesSince(before)
		for part := range slices.Chunk(prefixes, size) {
			x.add(part)
		}
		return fmt.Sprintf("%+v", x.events(time.UnixMilli(1)))
	}
	whole := events(len(prefixes))
	for size := 1; size < len(prefixes); size++ {
		if got := events(size); got != whole {
			t.Errorf("%d of %d prefixes at a time: %s\nwant %s", size, len(prefixes), got, whole)
		}
	}
}
