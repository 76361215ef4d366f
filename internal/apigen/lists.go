package main

import "slices"

// whenEmpty is what AWS sends of a list or a map without elements. Recorded replies decide; what no recording shows empty is
// written as the service gives it, nil as an absent member, and has a row in docs/differences.md.
type whenEmpty int

const (
	unrecorded whenEmpty = iota
	shown                // as [] or {}
	leftOut              // as an absent member
)

// emptyLists is what recordings show of members by themselves. For the kinds of members see [model.whenEmpty].
var emptyLists = map[string]whenEmpty{
	"CoreNetworkEdge.InsideCidrBlocks":  shown,
	"CoreNetworkSegment.SharedSegments": shown,
	"NetworkRoute.Destinations":         leftOut, // of a blackhole
	"ValidationException.Fields":        leftOut, // of a broken rule
}

// whenEmpty tells what becomes of a list or map of an output: the list an operation is asked for is always there, tags
// are not where there are none.
func (m *model) whenEmpty(s *shape, member member) whenEmpty {
	switch recorded := emptyLists[s.name+"."+member.Name]; {
	case recorded != unrecorded:
		return recorded
	case s.isOutput && slices.Contains(m.results(), s.name+"."+member.Name):
		return shown
	case member.Shape == "TagList":
		return leftOut
	}
	return unrecorded
}

// results are the lists that operations are asked for: those that are cut into pages, and two that are not.
func (m *model) results() []string {
	list := []string{"GetNetworkRoutesResponse.NetworkRoutes", "ListTagsForResourceResponse.TagList"}
	for name, p := range m.Pagination {
		list = append(list, m.Operations[name].Output+"."+p.ResultKey)
	}
	return list
}
