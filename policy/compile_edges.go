package policy

// allocate works out the edges of a document: their ASNs and inside CIDR blocks, those they have before new ones.
func allocate(doc *Document, previous Previous) ([]Edge, Errors) {
	a := &allocator{config: &doc.Configuration, previous: previous, ranges: newASNSet(doc.Configuration.ASNRanges)}
	a.asns()
	a.insideCIDRs()
	return a.edges, a.errs
}

type allocator struct {
	collector
	config   *Configuration
	previous Previous
	ranges   asnSet
	edges    []Edge
}
