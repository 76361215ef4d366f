package store_test

import (
	"fmt"
	"path/filepath"
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
