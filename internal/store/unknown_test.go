package store_test

import (
	"testing"

	"portolan/internal/store"
)

type knownRow struct {
	Name  string            `json:"name,omitzero"`
	Place *knownPlace       `json:"place,omitzero"`
	List  []knownPlace      `json:"list,omitzero"`
	Tags  map[string]string `json:"tags,omitzero"`
}

type knownPlace struct {
	X int `json:"x"`
}

// TestTable_unknownMembers: what a newer program stored is kept when this one changes the row, at every depth.
func TestTable_unknownMembers(t *testing.T) {
	rows := store.NewTable(store.Schema[*knownRow]{Name: "row"})
	for _, c := range []struct {
		name, stored, want string
		change             func(*knownRow)
	}{
		{"a member", `{"name":"a","later":[1]}`, `{"later":[1],"name":"b"}`, func(r *knownRow) { r.Name = "b" }},
		{"inside", `{"place":{"x":1,"y":2}}`, `{"place":{"x":3,"y":2}}`, func(r *knownRow) { r.Place = &knownPlace{3} }},
		{"inside what is removed", `{"name":"a","place":{"x":1,"y":2}}`, `{"name":"a"}`, func(r *knownRow) { r.Place = nil }},
		{"of a list", `{"list":[{"x":1,"y":1},{"x":2,"y":2}]}`, `{"list":[{"x":2,"y":2},{"x":3}]}`, func(r *knownRow) { r.List = []knownPlace{{2}, {3}} }},
		{"a removed key beside it", `{"later":1,"tags":{"a":"1","b":"2"}}`, `{"later":1,"tags":{"a":"1"}}`, func(r *knownRow) { r.Tags = map[string]string{"a": "1"} }},
		{"nothing unknown", `{"name":"a"}`, `{"name":"b"}`, func(r *knownRow) { r.Name = "b" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := store.OpenMemory()
			defer func() { _ = st.Close() }()
			err := st.Update(t.Context(), func(tx store.Txn) error {
				tx.Set("/row", []byte(c.stored))
				row, _ := rows.Get(tx, "/row")
				next := *row
				c.change(&next)
				rows.Put(tx, "/row", &next)
				if got, _ := tx.Get("/row"); string(got) != c.want {
					t.Errorf("stored %s, want %s", got, c.want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
