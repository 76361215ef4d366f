package store_test

import (
	"testing"

	"portolan/internal/store"
)

type device struct {
	Id    string
	Site  string `json:",omitempty"`
	Tags  []string
	State string
}

var devices = store.NewTable(store.Schema[device]{
	Name: "device",
	Indexes: []store.Index[device]{{
		Name: "site",
		Keys: func(key string, d *device) []string {
			if d.Site == "" {
				return nil
			}
			return []string{store.Path("by-site", d.Site, d.Id)}
		},
	}},
	Count: func(key string, d *device) string { return store.Path("count", "device") },
})

func TestTable_put_index_count_delete(t *testing.T) {
	s := store.OpenMemory()
	defer s.Close()
	err := s.Update(t.Context(), func(tx store.Txn) error {
		devices.Put(tx, store.Path("device", "a"), &device{Id: "a", Site: "x"})
		devices.Put(tx, store.Path("device", "b"), &device{Id: "b", Site: "x"})
		devices.Put(tx, store.Path("device", "b"), &device{Id: "b", Site: "y"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		if d, ok := devices.Get(r, "/device/b"); !ok || d.Site != "y" {
			t.Errorf("Get = %+v, %v", d, ok)
		}
		for key, d := range devices.ScanIndex(r, "/by-site/x/", "") {
			if key != "/by-site/x/a" || d.Id != "a" {
				t.Errorf("index gave %q, %+v", key, d)
			}
		}
		if n := store.CountAt(r, "/count/device"); n != 2 {
			t.Errorf("count = %d, want 2", n)
		}
		if devices.Any(r, "/by-site/z/") || !devices.Any(r, "/by-site/y/") {
			t.Error("Any is wrong")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
