package store_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"portolan/internal/store"
)

var benchValue = func() []byte {
	v := make([]byte, 300)
	for i := range v {
		v[i] = 'a' + byte(i%26)
	}
	return append(append([]byte{'"'}, v[2:]...), '"')
}()

// spread runs op b.N times from n goroutines and reports operations per second.
func spread(b *testing.B, n int, op func(i int64) error) {
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range n {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := op(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "op/s")
}

// BenchmarkUpdate compares one write per update with bbolt's own batching on the same disk.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			s, err := store.OpenBolt(filepath.Join(b.TempDir(), "db"), store.BoltOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			spread(b, n, func(i int64) error {
				return s.Update(b.Context(), func(tx store.Txn) error {
					tx.Set(fmt.Sprintf("/device/%08d", i), benchValue)
					return nil
				})
			})
		})
		b.Run(fmt.Sprintf("bbolt.Batch/%d", n), func(b *testing.B) {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "db"), 0o600, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("b")); return err })
			if err != nil {
				b.Fatal(err)
			}
			spread(b, n, func(i int64) error {
				return db.Batch(func(tx *bbolt.Tx) error {
					return tx.Bucket([]byte("b")).Put(fmt.Appendf(nil, "/device/%08d", i), benchValue)
				})
			})
		})
	}
}

// benchDevice is about 300 bytes of JSON.
func benchDevice(i int) *device {
	return &device{Id: fmt.Sprintf("device-%08d", i), Site: fmt.Sprintf("site-%d", i/100), Note: string(benchValue[1:200]), Tags: []string{"core", "edge"}}
}

func fill(b testing.TB, s store.Store, n int) {
	b.Helper()
	for i := 0; i < n; {
		err := s.Update(b.Context(), func(tx store.Txn) error {
			for j := i; j < min(i+5000, n); j++ {
				d := benchDevice(j)
				devices.Put(tx, deviceKey(d.Id), d)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		i += 5000
	}
}

func BenchmarkTable(b *testing.B) {
	for name, open := range stores {
		s := open(b)
		fill(b, s, 10_000)
		key := deviceKey(benchDevice(4711).Id)
		in := func(b *testing.B, f func(r store.Reader)) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.View(b.Context(), func(r store.Reader) error { f(r); return nil }); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(name+"/Get", func(b *testing.B) {
			in(b, func(r store.Reader) { devices.Get(r, key) })
		})
		b.Run(name+"/Scan-100", func(b *testing.B) {
			in(b, func(r store.Reader) {
				n := 0
				for range devices.Scan(r, "/device/", key) {
					if n++; n == 100 {
						break
					}
				}
			})
		})
		b.Run(name+"/ScanIndex-100", func(b *testing.B) {
			in(b, func(r store.Reader) {
				for range devices.ScanIndex(r, "/by-site/site-47/", "") {
				}
			})
		})
		b.Run(name+"/Put", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d := benchDevice(i % 10_000)
				d.Vendor = fmt.Sprint(i)
				if err := s.Update(b.Context(), func(tx store.Txn) error { devices.Put(tx, deviceKey(d.Id), d); return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
		s.Close()
	}
}

// BenchmarkScanMillion walks a million rows on disk and reports by how much the heap stood above its start at most.
func BenchmarkScanMillion(b *testing.B) {
	s := openBolt(b, store.BoltOptions{NoSync: true})
	defer s.Close()
	const n = 1_000_000
	for i := 0; i < n; {
		err := s.Update(b.Context(), func(tx store.Txn) error {
			for j := i; j < i+10_000; j++ {
				tx.Set(fmt.Sprintf("/device/%08d", j), benchValue)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		i += 10_000
	}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := before.HeapAlloc
	for b.Loop() {
		rows := 0
		err := s.View(b.Context(), func(r store.Reader) error {
			for range r.Scan("", "") {
				if rows++; rows%50_000 == 0 {
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapAlloc)
				}
			}
			return nil
		})
		if err != nil || rows != n {
			b.Fatal(rows, err)
		}
	}
	b.ReportMetric(float64(peak-before.HeapAlloc)/(1<<20), "heap-MiB")
}
