package service

import (
	"cmp"
	"fmt"
	"iter"
	"strings"

	"portolan/api"
	"portolan/internal/state"
)

// getCoreNetworkChangeEvents shows how far each change has come at each edge. There are none before the execution of a
// version. Everything takes effect in the one transaction that ends it, so all events of an execution have one status
// and one time.
func getCoreNetworkChangeEvents(v *state.View, in *api.GetCoreNetworkChangeEventsInput) (*api.GetCoreNetworkChangeEventsOutput, error) {
	row, version, err := findNetworkVersion(v, in.CoreNetworkId, in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	p, err := v.Pager(in.MaxResults, in.NextToken, "GetCoreNetworkChangeEvents", in.CoreNetworkId, fmt.Sprint(in.PolicyVersionId))
	if err != nil {
		return nil, err
	}
	status, at := progress(v, row, version)
	out := api.GetCoreNetworkChangeEventsOutput{CoreNetworkChangeEvents: []api.CoreNetworkChangeEvent{}}
	if status == "" {
		return &out, nil
	}
	rows, err := changeSet(v, row, version, upToEdge(p.After))
	if err != nil {
		return nil, err
	}
	out.CoreNetworkChangeEvents, out.NextToken = state.Page(p, after(eventsOf(rows), p.After), nil, func(e *api.CoreNetworkChangeEvent) api.CoreNetworkChangeEvent {
		e.Status, e.EventTime = status, at
		return *e
	})
	return &out, nil
}

// progress is how far the execution of a version has come, and since when: "" when there was none.
func progress(v *state.View, row *state.CoreNetwork, version *state.PolicyVersion) (api.ChangeStatus, api.Time) {
	execution, ended := state.Executions.Get(v, state.Executions.Key(row.OwnerAccountId, row.CoreNetworkId, *version.PolicyVersionId))
	switch {
	case ended:
		return api.ChangeStatusComplete, api.Time(execution.Finished)
	case row.Executing != *version.PolicyVersionId:
		return "", api.Time{}
	case row.ExecutionStarted.IsZero():
		return api.ChangeStatusNotStarted, api.Time(row.ExecutionAsked)
	}
	return api.ChangeStatusInProgress, api.Time(row.ExecutionStarted)
}

// eventsOf walks the events of changes: one at each edge, or one without an edge for what no edge notices, such as a
// description.
func eventsOf(rows iter.Seq2[string, *state.Change]) iter.Seq2[string, *api.CoreNetworkChangeEvent] {
	return func(yield func(string, *api.CoreNetworkChangeEvent) bool) {
		for key, c := range rows {
			edges := c.Edges
			if len(edges) == 0 {
				edges = []string{""}
			}
			for _, edge := range edges {
				if !yield(key+"\x00"+edge, eventOf(c, edge)) {
					return
				}
			}
		}
	}
}

// eventOf is the event of a change at an edge.
func eventOf(c *state.Change, edge string) *api.CoreNetworkChangeEvent {
	e := &api.CoreNetworkChangeEvent{Type: c.Type, Action: c.Action, IdentifierPath: c.IdentifierPath, Values: &api.CoreNetworkChangeEventValues{EdgeLocation: edge}}
	values := cmp.Or(c.NewValues, c.PreviousValues).API()
	if values == nil {
		return e
	}
	v := e.Values
	v.SegmentName, v.NetworkFunctionGroupName, v.Cidr = values.SegmentName, values.NetworkFunctionGroupName, values.Cidr
	v.RoutingPolicyDirection, v.RoutingPolicyAssociationDetails = values.RoutingPolicyDirection, values.RoutingPolicyAssociationDetails
	switch {
	case values.AttachmentId != "":
		v.AttachmentId = values.AttachmentId
	case c.Type == api.ChangeTypeAttachmentMapping:
		v.AttachmentId = c.Identifier
	case strings.HasPrefix(values.DestinationIdentifier, "attachment-"):
		v.AttachmentId = values.DestinationIdentifier
	}
	if c.Type == api.ChangeTypeRoutingPolicyEdgeAssociation && len(values.EdgeLocations) > 0 && len(values.PeerEdgeLocations) > 0 {
		v.PeerEdgeLocation = values.PeerEdgeLocations[0]
		if edge == v.PeerEdgeLocation {
			v.PeerEdgeLocation = values.EdgeLocations[0]
		}
	}
	return e
}
