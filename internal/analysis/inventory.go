package analysis

import (
	"slices"
	"strings"

	"portolan/internal/page"
	"portolan/internal/snapshot"
	"portolan/policy"
)

// inventory is every attachment of the core network, those that no route table knows too.
type inventory struct {
	list  []snapshot.Attachment
	byID  map[string]*snapshot.Attachment
	names map[string]string   // Name tags of attachments and Connect peers, by id
	ids   map[string][]string // by Name tag, and by the id that a snapshot had
}

func newInventory(list []snapshot.Attachment) *inventory {
	v := &inventory{list, make(map[string]*snapshot.Attachment, len(list)), map[string]string{}, map[string][]string{}}
	named := func(id string, tags map[string]string) {
		if name := tags[nameTag]; name != "" && name != id {
			v.names[id] = name
			v.ids[name] = append(v.ids[name], id)
		}
		if was := tags[snapshot.IDTag]; was != "" && was != id && was != tags[nameTag] {
			v.ids[was] = append(v.ids[was], id)
		}
	}
	for i := range list {
		a := &list[i]
		v.byID[a.ID] = a
		named(a.ID, a.Tags)
		for j := range a.Peers {
			named(a.Peers[j].ID, a.Peers[j].Tags)
		}
	}
	return v
}

const nameTag = "Name"

// takeStock makes the inventory of a list, or of what the network has when the list is nil.
func takeStock(s *Subject, list []snapshot.Attachment) {
	if list == nil {
		for i := range s.Network.Attachments {
			a := &s.Network.Attachments[i]
			list = append(list, snapshot.Attachment{ID: a.ID, Type: a.Type, Edges: a.Edges, Announcements: a.Announcements, Association: &snapshot.Association{
				Segment: a.Segment, NetworkFunctionGroup: a.NetworkFunctionGroup,
			}})
		}
	}
	s.inventory = newInventory(list)
}

// Name is the Name tag of an attachment or a Connect peer; without one it is the id.
func (s *Subject) Name(id string) string {
	if name, ok := s.inventory.names[id]; ok {
		return name
	}
	return id
}

// Label puts the Name tag before each id of a text: "web (attachment-0123456789abcdef0)".
func (s *Subject) Label(text string) string {
	if len(s.inventory.names) == 0 {
		return text
	}
	return labelled(text, func(word string) string { return nameTagOf(s, word) })
}

// nameTagOf is the Name tag that is put before a word of a text, "" when the word is no id that has one.
func nameTagOf(s *Subject, word string) string {
	if isTable(s, word) {
		return ""
	}
	return s.inventory.names[word]
}

// labelled is a text with the name of each id before it; "" is no name.
func labelled(text string, nameOf func(id string) string) string {
	var b strings.Builder
	rest := 0 // what has not been written yet
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		if name := nameOf(text[i:end]); name != "" && !strings.HasSuffix(text[:i], name+" (") {
			b.WriteString(text[rest:i] + name + " (" + text[i:end] + ")")
			rest = end
		}
		i = end + 1
	}
	if rest == 0 {
		return text
	}
	return b.String() + text[rest:]
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// isTable tells whether a word is the name of a segment or a network function group.
func isTable(s *Subject, word string) bool {
	return s.Network.Policy.Segment(word) != nil || s.Network.Policy.NetworkFunctionGroup(word) != nil
}

// namesOf are the Name tags of some attachments, by id; nil when none has one.
func (s *Subject) namesOf(ids ...string) map[string]string {
	var names map[string]string
	for _, id := range ids {
		if name, ok := s.inventory.names[id]; ok {
			if names == nil {
				names = map[string]string{}
			}
			names[id] = name
		}
	}
	return names
}

// Identify is the id of an attachment or a Connect peer that is given by its id or by its Name tag. What is neither is
// returned as it is.
func (s *Subject) Identify(field, text string) (string, error) {
	if _, ok := s.inventory.byID[text]; ok {
		return text, nil
	}
	switch ids := s.inventory.ids[text]; len(ids) {
	case 0:
		return text, nil
	case 1:
		return ids[0], nil
	default:
		return "", mistake(field, "several attachments are named %q: %s; give the id", text, strings.Join(ids, ", "))
	}
}

// working finds an attachment that is part of the network, by id or Name tag. The error says what is to be said of one that
// is not.
func (s *Subject) working(field, text string) (string, error) {
	id, err := s.Identify(field, text)
	if err != nil {
		return "", err
	}
	if _, ok := s.attachment[id]; ok {
		return id, nil
	}
	if a, ok := s.inventory.byID[id]; ok {
		return "", mistake(field, "attachment %s %s", s.Label(id), s.Label(s.Idle(a).Sentence()))
	}
	return "", mistake(field, "attachment %q does not exist", text)
}

// Page is a report as people read it, with Name tags beside the ids.
func (s *Subject) Page(r Report) *page.Page {
	p := r.Page()
	if p.Label == nil {
		p.Label = s.Label
	}
	return p
}

// Attachments is a table of all attachments.
type Attachments []AttachmentRow

// AttachmentRow is an attachment.
type AttachmentRow struct {
	ID                   string   `json:"id"`
	Name                 string   `json:"name,omitempty"`
	Type                 string   `json:"type"`
	Account              string   `json:"account,omitempty"`
	Edges                []string `json:"edges"`
	Segment              string   `json:"segment,omitempty"`
	NetworkFunctionGroup string   `json:"networkFunctionGroup,omitempty"`
	RuleNumber           int      `json:"ruleNumber,omitempty"` // of the attachment policy that matches
	Label                string   `json:"routingPolicyLabel,omitempty"`
	State                string   `json:"state"`
	Prefixes             []string `json:"prefixes"`
	Problem              string   `json:"problem,omitempty"` // why it carries no traffic, or what drops which of its prefixes
}

// Attachments lists all attachments, those that carry no traffic too, in the order in which they were made.
func (s *Subject) Attachments() Attachments {
	rows := Attachments{}
	for i := range s.inventory.list {
		a := &s.inventory.list[i]
		row := AttachmentRow{
			ID: a.ID, Name: s.inventory.names[a.ID], Type: a.Type, Account: a.Account, Edges: a.Edges, Label: a.RoutingPolicyLabel,
			State: stateOf(a), Prefixes: append([]string{}, prefixesOf(s, a)...),
		}
		if n := s.attachment[a.ID]; n != nil {
			row.Segment, row.NetworkFunctionGroup = n.Segment, n.NetworkFunctionGroup
		}
		if row.Segment+row.NetworkFunctionGroup != "" {
			row.RuleNumber = s.Network.Policy.Decide(asPolicy(a)).RuleNumber
		}
		if idle := s.Idle(a); idle != nil {
			row.Problem = cell(idle.Reason + idle.Once)
		} else if n := s.attachment[a.ID]; n != nil && s.Tables != nil {
			row.Problem = strings.Join(dropped(s, n), "; ")
		}
		rows = append(rows, row)
	}
	return rows
}

// prefixesOf are what an attachment and its Connect peers announce, each once.
func prefixesOf(s *Subject, a *snapshot.Attachment) []string {
	var list []string
	add := func(p string) {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if n := s.attachment[a.ID]; n != nil {
		for i := range n.Announcements {
			add(n.Announcements[i].Prefix.Masked().String())
		}
		return list
	}
	for i := range a.Announcements {
		add(a.Announcements[i].Prefix.Masked().String())
	}
	for i := range a.Peers {
		for _, x := range a.Peers[i].Announcements {
			add(x.Prefix.Masked().String())
		}
	}
	return list
}

// Page is a row for each attachment.
func (list Attachments) Page() *page.Page {
	p := &page.Page{Label: func(text string) string { return text }} // names have a column
	var rows [][]page.Cell
	for i := range list {
		r := &list[i]
		place, rule := r.Segment, ""
		if r.NetworkFunctionGroup != "" {
			place = "network function group " + r.NetworkFunctionGroup
		}
		if r.RuleNumber != 0 {
			rule = itoa(r.RuleNumber)
		}
		mark := page.Plain
		if r.Problem != "" {
			mark = page.Bad
		}
		if place != "" && mark == page.Bad && r.State == "AVAILABLE" { // some prefixes only
			mark = page.Warning
		}
		rows = append(rows, []page.Cell{
			{Text: r.Name, Mark: page.Strong},
			{Text: r.ID},
			{Text: r.Type},
			{Text: strings.Join(r.Edges, ", ")},
			{Text: place},
			{Text: rule},
			{Text: r.State, Mark: mark},
			{Text: strings.Join(shortened(r.Prefixes, maxShown), ", ")},
			{Text: r.Problem, Mark: mark},
		})
	}
	p.Rows([]string{"NAME", "ID", "TYPE", "EDGES", "SEGMENT", "RULE", "STATE", "PREFIXES", "PROBLEM"}, rows)
	return p
}

// maxShown bounds the prefixes of an attachment in a table; how many more there are is said.
const maxShown = 8

// SegmentNames are the segments of the policy.
func (s *Subject) SegmentNames() []string {
	var names []string
	for i := range s.Network.Policy.Segments {
		names = append(names, s.Network.Policy.Segments[i].Name)
	}
	return names
}

// GroupNames are the network function groups of the policy.
func (s *Subject) GroupNames() []string {
	var names []string
	for i := range s.Network.Policy.NetworkFunctionGroups {
		names = append(names, s.Network.Policy.NetworkFunctionGroups[i].Name)
	}
	return names
}

// EdgeNames are the edge locations of the policy.
func (s *Subject) EdgeNames() []string { return edgeNames(s.Network.Policy) }

func edgeNames(p *policy.Policy) []string {
	var names []string
	for i := range p.Edges {
		names = append(names, p.Edges[i].Location)
	}
	return names
}

// AttachmentNames are the attachments by Name tag, or by id where they have none.
func (s *Subject) AttachmentNames() []string {
	var names []string
	for i := range s.inventory.list {
		names = append(names, s.Name(s.inventory.list[i].ID))
	}
	return names
}
