package routing_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"portolan/routing"
)

// rowsOf is every row of every table that settles, by table and prefix.
func rowsOf(tables *routing.Tables) map[string]string {
	rows := map[string]string{}
	if tables == nil {
		return rows
	}
	for _, id := range tables.TableIDs() {
		table, _ := tables.Table(id)
		for r := range table.Routes() {
			if !table.Unsettled(r.Prefix) {
				rows[id.String()+" "+r.Prefix.String()] = rowText(&r)
			}
		}
	}
	return rows
}

func rowText(r *routing.Route) string {
	if r == nil {
		return ""
	}
	type all routing.Destination // printed with every member: two groups may have one appliance after each other
	var to []all
	for _, d := range r.Destinations {
		to = append(to, all(d))
	}
	return fmt.Sprint(r.Type, r.State, r.Kind, to, r.Attributes)
}

// wantChanges compares with the slow way: all rows beside all rows.
func wantChanges(t *rapid.T, before, after *routing.Tables) {
	t.Helper()
	old, now := rowsOf(before), rowsOf(after)
	want := map[string][2]string{}
	for key := range old {
		if old[key] != now[key] {
			want[key] = [2]string{old[key], now[key]}
		}
	}
	for key := range now {
		if old[key] != now[key] {
			want[key] = [2]string{old[key], now[key]}
		}
	}
	got := map[string][2]string{}
	var last routing.TableID
	var prefix netip.Prefix
	for c := range after.Changes(before) {
		key := c.Table.String() + " " + c.Prefix.String()
		if _, twice := got[key]; twice || c.Table == last && prefix.Compare(c.Prefix) >= 0 {
			t.Fatalf("%s is out of order", key)
		}
		last, prefix = c.Table, c.Prefix
		got[key] = [2]string{rowText(c.Old), rowText(c.New)}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("changes\n%v\nwant\n%v", got, want)
	}
}

func TestChanges_areTheRowsThatDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := drawNetwork(t)
		tables, _ := routing.Compute(n)
		wantChanges(t, nil, tables)
		wantChanges(t, tables, nil)
		wantChanges(t, tables, tables)
		number := 1 + uniform(t, "number", 14)
		put := []routing.Attachment{drawAttachment(t, n.Policy, number)}
		var remove []string
		if other := 1 + uniform(t, "removed", 12); other != number {
			if id := longID(fmt.Sprintf("A%d", other)); slices.ContainsFunc(n.Attachments, func(a routing.Attachment) bool { return a.ID == id }) {
				remove = append(remove, id)
			}
		}
		updated, _ := tables.Update(put, remove)
		wantChanges(t, tables, updated)
		wantChanges(t, updated, tables)
		other, _ := drawNetwork(t)
		elsewhere, _ := routing.Compute(other)
		wantChanges(t, updated, elsewhere)
	})
}

// TestUnsettled_namesWhatTheErrorNames: a prefix is in the error exactly when some table of its segment or group holds a row
// of it that never settles.
func TestUnsettled_namesWhatTheErrorNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := drawNetwork(t)
		tables, err := routing.Compute(n)
		named := map[string]bool{}
		if oscillation := (*routing.OscillationError)(nil); errors.As(err, &oscillation) {
			if oscillation.Count > len(oscillation.First) {
				t.Skip("not all are named")
			}
			for _, o := range oscillation.First {
				named[o.Segment+" "+o.Prefix.String()] = true
			}
		}
		found := map[string]bool{}
		for _, id := range tables.TableIDs() {
			table, _ := tables.Table(id)
			for _, block := range slices.Concat(blocks, []string{"10.0.0.0/8"}) {
				if p := netip.MustParsePrefix(block); table.Unsettled(p) {
					found[id.Name()+" "+block] = true
				}
			}
		}
		for key := range found {
			if !named[key] {
				t.Fatalf("%s does not settle, which the error does not say: %v", key, err)
			}
		}
		for key := range named {
			if !found[key] {
				t.Fatalf("the error names %s, and no table does", key)
			}
		}
	})
}
