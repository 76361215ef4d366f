package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"portolan/internal/order"
	"portolan/internal/page"
)

// Report says how a snapshot came about: what was read, and what is not known, for which reason.
type Report struct {
	CoreNetwork string    `json:"coreNetworkId"`
	At          time.Time `json:"at"` // when the reading began
	Attachments int       `json:"attachments"`
	Prefixes    int       `json:"prefixes"`
	Tables      int       `json:"tables"` // segments and groups, at each of their edge locations
	Calls       int       `json:"calls"`  // to Network Manager; those to EC2 are not counted
	Sources     []Source  `json:"sources"`
	Unread      []Unread  `json:"unread"`
	Notes       []string  `json:"notes"`
}

// Source is where announcements are known from, and how many.
type Source struct {
	Name     string `json:"source"`
	Prefixes int    `json:"prefixes"`
}

// Unread is a call that failed, for one or more things, and what is not known therefore.
type Unread struct {
	Action  string   `json:"action"` // of IAM
	Denied  bool     `json:"denied"`
	Error   string   `json:"error"` // one of them
	Unknown string   `json:"unknown"`
	Of      []string `json:"of"` // what it was asked for, the first of them
	Count   int      `json:"count"`
}

// maxOf is how many of the things that could not be read a report names.
const maxOf = 5

// unread notes a call that failed.
func (r *reader) unread(action, of string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := plain(err).Error()
	i := slices.IndexFunc(r.report.Unread, func(u Unread) bool { return u.Action == action && u.Denied == isDenied(err) })
	if i < 0 {
		i = len(r.report.Unread)
		r.report.Unread = append(r.report.Unread, Unread{Action: action, Denied: isDenied(err), Error: text, Unknown: unknownWithout(action)})
	}
	u := &r.report.Unread[i]
	if u.Count++; of != "" {
		u.Of = append(u.Of, of)
	}
	u.Error = min(u.Error, text)
}

func (r *reader) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// finish counts and sorts: the same network gives the same report, in whatever order calls ended.
func (p *Report) finish(r *reader) {
	p.CoreNetwork, p.Attachments, p.Calls = r.snap.CoreNetworkID, len(r.snap.Attachments), int(r.calls.Load())
	count := map[string]int{}
	for i := range r.snap.Attachments {
		for _, source := range r.snap.Attachments[i].Sources {
			count[source]++
			p.Prefixes++
		}
	}
	p.Sources = []Source{}
	for _, name := range sources {
		if count[name] > 0 {
			p.Sources = append(p.Sources, Source{name, count[name]})
		}
	}
	p.sort()
}

func (p *Report) sort() {
	for i := range p.Unread {
		u := &p.Unread[i]
		slices.Sort(u.Of)
		u.Of = u.Of[:min(len(u.Of), maxOf)]
	}
	order.Sort(p.Unread, func(a, b Unread) int { return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Error, b.Error)) })
	slices.Sort(p.Notes)
	p.Notes = slices.Compact(p.Notes)
}

// Complete is whether everything was read.
func (p *Report) Complete() bool { return len(p.Unread) == 0 }

// Page is what was read, what was not and why, and notes.
func (p *Report) Page() *page.Page {
	out := &page.Page{}
	out.Line(page.Plain, "%s: %d attachments, %d prefixes, %d tables, %d calls", p.CoreNetwork, p.Attachments, p.Prefixes, p.Tables, p.Calls)
	for _, s := range p.Sources {
		out.Item(1, page.Plain, "%6d prefixes from %s", s.Prefixes, s.Name)
	}
	unreadOn(out, p.Unread)
	for _, n := range p.Notes {
		out.Line(page.Plain, "note: %s", n)
	}
	return out
}

// unreadOn adds what could not be read, a line for each action.
func unreadOn(out *page.Page, list []Unread) {
	for _, u := range list {
		why := "failed"
		if u.Denied {
			why = "is not allowed"
		}
		text := fmt.Sprintf("not read: %s %s (%d): %s unknown", u.Action, why, u.Count, u.Unknown)
		if len(u.Of) > 0 {
			text += ", such as of " + strings.Join(u.Of, ", ")
		}
		if !u.Denied {
			text += ": " + u.Error
		}
		out.Line(page.Warning, "%s", text)
	}
}
