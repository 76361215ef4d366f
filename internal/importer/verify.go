package importer

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"portolan/internal/order"
	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/routing"
)

// Verification says how far the tables computed from a snapshot are those that AWS shows.
type Verification struct {
	CoreNetwork string        `json:"coreNetworkId"`
	At          time.Time     `json:"at"`
	Tables      int           `json:"tables"` // that were compared
	Equal       int           `json:"equal"`  // of them, ties included
	Rows        int           `json:"rows"`   // that AWS shows
	Ties        int           `json:"ties"`   // rows that AWS's own choice between equal paths explains
	Missing     int           `json:"missing"`
	Extra       int           `json:"extra"`
	Rerouted    int           `json:"rerouted"` // other next hop, state or type
	Differences []Difference  `json:"differences"`
	Truncated   bool          `json:"truncated"` // there are more differences than are listed
	Explained   []Explanation `json:"explained"` // settings under which there are fewer differences, the best first
	RIB         Comparison    `json:"routingInformation"`
	Unread      []Unread      `json:"unread"`
}

// Comparison counts rows of routing information: those that both have, and those that one has.
type Comparison struct {
	Tables  int `json:"tables"`
	Equal   int `json:"equal"` // tables
	Rows    int `json:"rows"`
	Missing int `json:"missing"` // AWS has the row
	Extra   int `json:"extra"`   // the computed table has it
}

// Difference is a row that AWS shows otherwise than it was computed.
type Difference struct {
	Table    string `json:"table"`
	Prefix   string `json:"prefix"`
	Kind     string `json:"kind"` // missing: AWS alone has it; extra: AWS does not have it; other
	Computed string `json:"computed,omitempty"`
	AWS      string `json:"aws,omitempty"`
}

// Explanation is a setting of the routing engine with the number of rows that differ under it.
type Explanation struct {
	Setting string `json:"setting"` // name=value of --routing
	Differ  int    `json:"differ"`
}

// maxDifferences is how many rows a verification lists.
const maxDifferences = 1000

// tables are the rows of tables by table.
type tables map[routing.TableID]map[netip.Prefix]row

// Verify reads every table of the core network and compares it with the one computed from a snapshot of it: nil is the
// one that was imported. Options are those of the engine; nil are the defaults.
func (im *Import) Verify(ctx context.Context, snap *snapshot.Snapshot, options *routing.Options) (*Verification, error) {
	if snap == nil {
		snap = im.Snapshot
	}
	if options == nil {
		options = routing.DefaultOptions()
	}
	computed, err := compute(snap, options)
	if err != nil {
		return nil, err
	}
	r := im.reader
	r.report = &Report{}
	v := &Verification{
		CoreNetwork: snap.CoreNetworkID, At: r.cfg.Now().UTC().Truncate(time.Second), Differences: []Difference{}, Explained: []Explanation{},
	}
	shown, err := r.shown(ctx, computed)
	if err != nil {
		return nil, err
	}
	asChosen := *options
	asChosen.TieBreak = shown.choose
	fed, err := compute(snap, &asChosen)
	if err != nil {
		return nil, err
	}
	if v.RIB, err = r.compareRIB(ctx, fed); err != nil {
		return nil, err
	}
	if err := v.compare(snap, &asChosen, computed, fed, shown); err != nil {
		return nil, err
	}
	r.report.sort()
	v.Unread = append([]Unread{}, r.report.Unread...)
	return v, nil
}

func compute(snap *snapshot.Snapshot, options *routing.Options) (*routing.Tables, error) {
	network, err := snap.Network(options)
	if err != nil {
		return nil, err
	}
	t, err := routing.Compute(*network)
	if t == nil {
		return nil, err
	}
	return t, nil // rows that do not converge are left out of the comparison
}

// shown reads the route tables.
func (r *reader) shown(ctx context.Context, computed *routing.Tables) (tables, error) {
	all := tables{}
	err := each(ctx, r, "route tables", computed.TableIDs(), func(ctx context.Context, id routing.TableID) error {
		list, err := r.networkRoutes(ctx, id)
		var rows map[netip.Prefix]row
		if err == nil {
			rows, err = shownRows(list)
		}
		if err != nil {
			return r.missed(ctx, "networkmanager:GetNetworkRoutes", id.String(), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		all[id] = rows
		return nil
	})
	return all, err
}

// compare fills in the differences. fed are the tables with AWS's choices between paths that are equal in all that is
// documented: what is equal in them alone is a tie.
func (v *Verification) compare(snap *snapshot.Snapshot, asChosen *routing.Options, computed, fed *routing.Tables, shown tables) error {
	ids := fed.TableIDs()
	for _, id := range ids {
		rows, read := shown[id]
		if !read {
			continue
		}
		v.Tables++
		v.Rows += len(rows)
		mine, _ := fed.Table(id)
		unfed, _ := computed.Table(id)
		differ := v.table(id, computedRows(mine), rows)
		if differ == 0 {
			v.Equal++
		}
		v.Ties += max(differences(computedRows(unfed), rows)-differ, 0)
	}
	total := v.Missing + v.Extra + v.Rerouted
	if total == 0 {
		return nil
	}
	for _, setting := range asChosen.Alternatives() {
		turned := *asChosen
		name, value, _ := strings.Cut(setting, "=")
		if err := turned.Set(name, value); err != nil {
			return err
		}
		v.explain(setting, snap, &turned, shown, total)
	}
	// Routing information as AWS shows it may have the policies of attachments applied already.
	v.explain("routes as imported, without the routing policies of attachments", withoutLabels(snap), asChosen, shown, total)
	order.Stable(v.Explained, func(a, b Explanation) int { return cmp.Compare(a.Differ, b.Differ) })
	return nil
}

func withoutLabels(snap *snapshot.Snapshot) *snapshot.Snapshot {
	next := *snap
	next.Attachments = slices.Clone(snap.Attachments)
	for i := range next.Attachments {
		next.Attachments[i].RoutingPolicyLabel = ""
	}
	return &next
}

// explain notes a setting under which fewer rows differ.
func (v *Verification) explain(setting string, snap *snapshot.Snapshot, options *routing.Options, shown tables, total int) {
	t, err := compute(snap, options)
	if err != nil {
		return // under this setting there is no network
	}
	differ := 0
	for _, id := range t.TableIDs() {
		if rows, read := shown[id]; read {
			table, _ := t.Table(id)
			differ += differences(computedRows(table), rows)
		}
	}
	if differ < total {
		v.Explained = append(v.Explained, Explanation{setting, differ})
	}
}

// choose is the path of a tie that AWS uses, the first where none of them is shown.
func (t tables) choose(tie routing.Tie) int {
	rows := t[tie.Table]
	hops := strings.Split(rows[tie.Prefix].hops, ",")
	for i, p := range tie.Paths {
		if at := hop(p.Attachment, ""); at == "" && slices.Contains(hops, p.Edge) || at != "" && slices.Contains(hops, at) {
			return i
		}
	}
	return 0
}

func differences(computed, shown map[netip.Prefix]row) int {
	n := 0
	for p, theirs := range shown {
		if ours, ok := computed[p]; !ok || ours != theirs {
			n++
		}
	}
	for p := range computed {
		if _, ok := shown[p]; !ok {
			n++
		}
	}
	return n
}

// table counts and lists the differences of one table.
func (v *Verification) table(id routing.TableID, computed, shown map[netip.Prefix]row) int {
	var list []Difference
	add := func(kind string, p netip.Prefix, ours, theirs string) {
		list = append(list, Difference{id.String(), p.String(), kind, ours, theirs})
	}
	prefixes := map[netip.Prefix]bool{}
	for p := range shown {
		prefixes[p] = true
	}
	for p := range computed {
		prefixes[p] = true
	}
	sorted := make([]netip.Prefix, 0, len(prefixes))
	for p := range prefixes {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, netip.Prefix.Compare)
	for _, p := range sorted {
		ours, have := computed[p]
		theirs, show := shown[p]
		switch {
		case !have:
			v.Missing++
			add("missing", p, "", theirs.String())
		case !show:
			v.Extra++
			add("extra", p, ours.String(), "")
		case ours != theirs:
			v.Rerouted++
			add("other", p, ours.String(), theirs.String())
		}
	}
	room := maxDifferences - len(v.Differences)
	v.Truncated = v.Truncated || len(list) > room
	v.Differences = append(v.Differences, list[:min(len(list), room)]...)
	return len(list)
}

// Agrees is whether every table was read and is as it was computed.
func (v *Verification) Agrees() bool { return v.Equal == v.Tables && len(v.Unread) == 0 }

// Page is how many tables agree, then each difference.
func (v *Verification) Page() *page.Page {
	out := &page.Page{}
	mark := page.Good
	if !v.Agrees() {
		mark = page.Bad
	}
	text := fmt.Sprintf("%s: %d of %d route tables equal, %d rows", v.CoreNetwork, v.Equal, v.Tables, v.Rows)
	if v.Ties > 0 {
		text += fmt.Sprintf("; %d rows differ only in the choice between equal paths", v.Ties)
	}
	out.Line(mark, "%s", text)
	out.Line(page.Plain, "routing information: %d of %d tables equal, %d rows, %d missing, %d extra", v.RIB.Equal, v.RIB.Tables, v.RIB.Rows, v.RIB.Missing, v.RIB.Extra)
	if n := v.Missing + v.Extra + v.Rerouted; n > 0 {
		out.Line(page.Plain, "%d rows differ: %d missing, %d extra, %d with another next hop, state or type", n, v.Missing, v.Extra, v.Rerouted)
	}
	for _, d := range v.Differences {
		switch d.Kind {
		case "missing":
			out.Item(1, page.Bad, "- %s %s: AWS has %s", d.Table, d.Prefix, d.AWS)
		case "extra":
			out.Item(1, page.Bad, "+ %s %s: AWS does not have it; computed %s", d.Table, d.Prefix, d.Computed)
		default:
			out.Item(1, page.Warning, "~ %s %s: AWS has %s; computed %s", d.Table, d.Prefix, d.AWS, d.Computed)
		}
	}
	if v.Truncated {
		out.Item(1, page.Faint, "… the first %d are listed", maxDifferences)
	}
	for _, e := range v.Explained {
		out.Line(page.Plain, "fewer rows differ (%d) with %s", e.Differ, e.Setting)
	}
	unreadOn(out, v.Unread)
	return out
}
