// Package lifecycle moves resources through their states: which transient state leads where and after how long, the
// durable queue of what is due, and the worker that applies it.
//
// It knows states by name and rows by key. What a resource is, and what else changes when it moves, is told by the
// [Handler] its owner registers. It must not know the API's operations.
package lifecycle

import "time"

// Kind names a family of resources that share a state machine, in the words of error bodies and events.
type Kind string

const (
	GlobalNetwork              Kind = "global-network"
	Site                       Kind = "site"
	Device                     Kind = "device"
	Link                       Kind = "link"
	Connection                 Kind = "connection"
	LinkAssociation            Kind = "link-association"
	CustomerGatewayAssociation Kind = "customer-gateway-association"
	TGWConnectPeerAssociation  Kind = "transit-gateway-connect-peer-association"
	ConnectPeerAssociation     Kind = "connect-peer-association"
	TGWRegistration            Kind = "transit-gateway-registration"
	CoreNetwork                Kind = "core-network"
	CoreNetworkPolicy          Kind = "core-network-policy"
	Execution                  Kind = "core-network-execution"
	Attachment                 Kind = "attachment"
	ConnectPeer                Kind = "connect-peer"
	Peering                    Kind = "peering"
	RouteAnalysis              Kind = "route-analysis"
	ClientToken                Kind = "client-token"
)

// Gone is the successor of a state after which the row no longer exists.
const Gone = ""

// Step is what a transient state leads to by itself. A handler may end elsewhere (a creation that fails, an update that
// waits for acceptance); Next is where it goes when nothing is in the way.
type Step struct {
	Next string
	AWS  time.Duration // how long AWS stays in the state, the "aws" profile
}

// machines holds every transient state of every kind. A state that is not here lasts until somebody asks for a change.
//
// The AWS durations come from public test logs where those exist (core networks, policies, attachments) and are the
// middle of what pollers reported for the rest.
var machines = map[Kind]map[string]Step{
	GlobalNetwork: object(4*time.Second, 3*time.Second, 5*time.Second),
	Site:          object(3*time.Second, 3*time.Second, 5*time.Second),
	Device:        object(3*time.Second, 3*time.Second, 5*time.Second),
	Link:          object(3*time.Second, 3*time.Second, 5*time.Second),
	Connection:    object(3*time.Second, 3*time.Second, 5*time.Second),

	LinkAssociation:            association(3*time.Second, 3*time.Second),
	CustomerGatewayAssociation: association(5*time.Second, 5*time.Second),
	TGWConnectPeerAssociation:  association(5*time.Second, 5*time.Second),
	ConnectPeerAssociation:     association(5*time.Second, 5*time.Second),
	TGWRegistration:            association(60*time.Second, 60*time.Second),

	CoreNetwork: {
		"CREATING": {"AVAILABLE", 17 * time.Minute},
		"UPDATING": {"AVAILABLE", 7 * time.Minute},
		"DELETING": {Gone, 8 * time.Minute},
	},
	CoreNetworkPolicy: {
		"PENDING_GENERATION": {"READY_TO_EXECUTE", 90 * time.Second},
		// EXECUTING ends with the core network's UPDATING or CREATING.
		"OUT_OF_DATE": {Gone, 90 * 24 * time.Hour},
	},
	// An execution is asked for, then it begins; the core network's UPDATING ends it.
	Execution: {"NOT_STARTED": {"IN_PROGRESS", 2 * time.Second}},
	Attachment: {
		"CREATING":               {"PENDING_NETWORK_UPDATE", 2 * time.Minute},
		"PENDING_NETWORK_UPDATE": {"AVAILABLE", 3 * time.Minute},
		"UPDATING":               {"AVAILABLE", 1 * time.Minute},
		"DELETING":               {Gone, 5 * time.Minute},
	},
	ConnectPeer: {
		"CREATING": {"AVAILABLE", 2 * time.Minute},
		"DELETING": {Gone, 2 * time.Minute},
	},
	Peering: {
		"CREATING": {"AVAILABLE", 3 * time.Minute},
		"DELETING": {Gone, 3 * time.Minute},
	},
	RouteAnalysis: {
		"RUNNING":   {"COMPLETED", 5 * time.Second},
		"COMPLETED": {Gone, 7 * 24 * time.Hour},
		"FAILED":    {Gone, 7 * 24 * time.Hour},
	},
	ClientToken: {"USED": {Gone, 24 * time.Hour}},
}

// unshown tells whether a state begins by calls whose answers do not show it: an attachment is moved by tags, labels and its
// NAT configuration.
func unshown(kind Kind, state string) bool {
	return kind == Attachment && (state == "PENDING_NETWORK_UPDATE" || state == "UPDATING")
}

func object(create, update, remove time.Duration) map[string]Step {
	return map[string]Step{
		"PENDING":  {"AVAILABLE", create},
		"UPDATING": {"AVAILABLE", update},
		"DELETING": {Gone, remove},
	}
}

// association lists a DELETED row for a while, as pollers of the sibling associations see it on AWS.
func association(create, remove time.Duration) map[string]Step {
	return map[string]Step{
		"PENDING":  {"AVAILABLE", create},
		"DELETING": {"DELETED", remove},
		"DELETED":  {Gone, 10 * time.Second},
	}
}

// Next returns the step a state takes by itself, if it is transient.
func Next(kind Kind, state string) (Step, bool) {
	step, ok := machines[kind][state]
	return step, ok
}
