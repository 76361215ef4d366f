package policy

// Association is where an attachment is: in a segment, in a network function group, or, as the zero value, in neither.
type Association struct {
	Segment              string
	NetworkFunctionGroup string
	RuleNumber           int // of the rule that associates it; 0 in neither
}

// Same says whether two associations are with the same segment or group, by whatever rule.
func (a Association) Same(b Association) bool {
	return a.Segment == b.Segment && a.NetworkFunctionGroup == b.NetworkFunctionGroup
}

// Attached is an attachment of a core network as it stands before a policy decides about it.
type Attached struct {
	Attachment
	Label string      // its routing policy label, which attachment policies do not look at
	At    Association // where it is
	Fixed bool        // it stays where it is, whatever the rules say: it is being deleted, or it is not asked about
	Out   bool        // it was rejected or has failed: it stays as it is and takes nothing
	Asks  bool        // its move waits for acceptance where acceptance is required
}

// Associated is what a policy makes of an attachment.
type Associated struct {
	*Attached                      // as it stood
	Next              Association  // where it is from now on
	Proposal          *Association // where its tags have it once that is accepted; nil when nothing waits
	RequireAcceptance bool         // the rule, the segment or the group requires acceptance
	FullGroup         string       // the network function group that it would be in, were there not …
	FullBy            string       // … this attachment at its edge
}

// AssociateAll decides where every attachment of a core network is from now on. The list has the oldest first.
//
// A network function group takes one attachment per edge. Those that are in it and stay keep it; what is left goes to the
// oldest of the others, and the rest is not associated. An attachment that waits for acceptance keeps where it is, as far
// as that still exists, and takes nothing where it would go: whether there is a place is found out when it is accepted.
func (p *Policy) AssociateAll(attached []Attached) []Associated {
	list := make([]Associated, len(attached))
	members := groupMembers{}
	for i := range attached {
		a := &list[i]
		a.Attached = &attached[i]
		p.associate(a)
		if a.Next.NetworkFunctionGroup == a.At.NetworkFunctionGroup {
			members.add(a)
		}
	}
	for i := range list {
		if a := &list[i]; a.Next.NetworkFunctionGroup != a.At.NetworkFunctionGroup {
			members.add(a)
		}
	}
	return list
}

// associate decides about an attachment as if network function groups took any number.
func (p *Policy) associate(a *Associated) {
	a.Next = a.At
	if a.Fixed || a.Out {
		return
	}
	d := p.Decide(&a.Attachment)
	a.RequireAcceptance = d.RequireAcceptance
	if !a.Asks || !d.RequireAcceptance || d.Association.Same(a.At) {
		a.Next = d.Association
		return
	}
	a.Proposal = &d.Association
	if !p.has(a.At) {
		a.Next = Association{}
	}
}

// has says whether a segment or group that an attachment is in exists.
func (p *Policy) has(a Association) bool {
	return (a.Segment == "" || p.Segment(a.Segment) != nil) && (a.NetworkFunctionGroup == "" || p.NetworkFunctionGroup(a.NetworkFunctionGroup) != nil)
}

// groupMembers is the attachment that a network function group has at an edge.
type groupMembers map[[2]string]*Associated

// add lets an attachment into the group that it is to be in, or takes that back.
func (m groupMembers) add(a *Associated) {
	group := a.Next.NetworkFunctionGroup
	if group == "" || a.Out {
		return
	}
	for _, e := range a.Edges {
		if other := m[[2]string{group, e}]; other != nil {
			a.Next, a.RequireAcceptance, a.FullGroup, a.FullBy = Association{}, false, group, other.ID
			return
		}
	}
	for _, e := range a.Edges {
		m[[2]string{group, e}] = a
	}
}
