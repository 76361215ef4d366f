package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"go.etcd.io/bbolt"
)

// A power cut leaves of a commit whatever the disk had come to. bbolt writes a commit in two parts with a sync behind each:
// the pages, then the one of the two pages at the start that names them. So before the first sync any of the pages, whole or
// in part and in any order, may be on the disk; between the syncs all of them and any part of the last.

// powerCuts runs random updates on a store and gives each commit, as the file was before and after it, to cut, together with
// what had been acknowledged before and what is after.
func powerCuts(t *testing.T, random *rand.Rand, commits int, cut func(before, after []byte, pageSize int, old, now map[string]string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	opened, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*boltStore)
	defer s.Close()
	read := func() []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text[:min(len(text), 4<<20)]
	}
	var before, after []byte
	s.commit = func(tx *bbolt.Tx) error {
		before = read()
		err := tx.Commit()
		after = read()
		return err
	}
	acknowledged := map[string]string{}
	for n := range commits {
		now := maps.Clone(acknowledged)
		now["/n"] = strconv.Itoa(n)
		for range 1 + random.IntN(6) {
			key := fmt.Sprintf("/row/%03d", random.IntN(120))
			if random.IntN(3) == 0 {
				delete(now, key)
			} else {
				now[key] = string(bytes.Repeat([]byte{'a' + byte(n%26)}, random.IntN(3000)))
			}
		}
		err := s.Update(context.Background(), func(tx Txn) error {
			for key := range acknowledged {
				if _, kept := now[key]; !kept {
					tx.Delete(key)
				}
			}
			for key, value := range now {
				tx.Set(key, []byte(value))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		cut(before, after, s.db.Info().PageSize, acknowledged, now)
		acknowledged = now
	}
}

// changedPages are the pages that differ, those at the start apart.
func changedPages(before, after []byte, pageSize int) (pages []int, last int) {
	for at := 0; at < len(after); at += pageSize {
		end := min(at+pageSize, len(after))
		if end <= len(before) && bytes.Equal(before[at:end], after[at:end]) {
			continue
		}
		if at < 2*pageSize {
			last = at / pageSize
		} else {
			pages = append(pages, at/pageSize)
		}
	}
	return pages, last
}

// written is the file with some of what a commit changed, each page whole or up to a sector.
func written(random *rand.Rand, before, after []byte, pageSize int, pages []int, torn bool) []byte {
	const sector = 512
	out := make([]byte, max(len(before), len(after)))
	copy(out, before)
	for _, p := range pages {
		at, end := p*pageSize, min((p+1)*pageSize, len(after))
		if torn {
			end = min(end, at+sector*random.IntN(pageSize/sector+1))
		}
		copy(out[at:end], after[at:end])
	}
	return out
}

// contents opens an image and reads all of it, nil when that gives an error.
func contents(t *testing.T, image []byte) (map[string]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenBolt(path, BoltOptions{NoSync: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	out := map[string]string{}
	err = s.View(context.Background(), func(r Reader) error {
		for k, v := range r.Scan("", "") {
			out[k] = string(v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	damage := 0
	if _, err := s.(Checker).Check(context.Background(), func(*DamageError) { damage++ }, nil); err != nil {
		return nil, err
	}
	if damage > 0 {
		return out, fmt.Errorf("the check finds %d places", damage)
	}
	return out, nil
}

// cutSeed is what decides the cuts, and how many commits there are: with ROBUSTNESS_SEED another seed and more of them.
func cutSeed(t *testing.T) (random *rand.Rand, commits int) {
	t.Helper()
	seed, commits := uint64(7), 12
	if text := os.Getenv("ROBUSTNESS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		commits = 100
	}
	t.Logf("ROBUSTNESS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)), commits
}

// TestPowerLoss_keepsWhatWasAcknowledged cuts the power at both syncs of each commit.
func TestPowerLoss_keepsWhatWasAcknowledged(t *testing.T) {
	random, commits := cutSeed(t)
	images := 0
	powerCuts(t, random, commits, func(before, after []byte, pageSize int, old, now map[string]string) {
		pages, last := changedPages(before, after, pageSize)
		look := func(when string, image []byte, allowed ...map[string]string) {
			images++
			got, err := contents(t, image)
			if err != nil {
				t.Fatalf("%s, commit %s: %v", when, now["/n"], err)
			}
			for _, want := range allowed {
				if maps.Equal(got, want) {
					return
				}
			}
			t.Fatalf("%s, commit %s: the store holds neither what was before nor what was written", when, now["/n"])
		}
		for range 3 {
			var some []int
			for _, p := range pages {
				if random.IntN(2) == 0 {
					some = append(some, p)
				}
			}
			look("before the first sync", written(random, before, after, pageSize, some, false), old)
			look("before the first sync, pages torn", written(random, before, after, pageSize, some, true), old)
		}
		all := written(random, before, after, pageSize, pages, false)
		look("between the syncs", all, old)
		look("between the syncs, the last page torn", written(random, all, after, pageSize, []int{last}, true), old, now)
		look("after both", after, now)
	})
	t.Logf("%d images", images)
}

// TestPowerLoss_onADiskThatLies drops pages that the disk had said were written: what is read then may be an error, and is
// otherwise what was written.
func TestPowerLoss_onADiskThatLies(t *testing.T) {
	random, commits := cutSeed(t)
	noticed, unharmed := 0, 0
	powerCuts(t, random, commits, func(before, after []byte, pageSize int, old, now map[string]string) {
		pages, last := changedPages(before, after, pageSize)
		for range 4 {
			kept := []int{last}
			for _, p := range pages {
				if random.IntN(4) > 0 {
					kept = append(kept, p)
				}
			}
			got, err := contents(t, written(random, before, after, pageSize, kept, random.IntN(2) == 0))
			switch {
			case err != nil:
				noticed++
			case maps.Equal(got, now), maps.Equal(got, old):
				unharmed++
			default:
				t.Fatalf("commit %s: something else than what was written is read without an error", now["/n"])
			}
		}
	})
	t.Logf("%d images were noticed, %d held what they should", noticed, unharmed)
	if noticed == 0 {
		t.Error("no page that was dropped mattered: the test does not test what it should")
	}
}
