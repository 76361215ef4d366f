package service

import (
	"portolan/api"
	"portolan/internal/state"
)

// deviceAssociations is what the three associations with a device have in common: customer gateway, transit gateway
// Connect peer and Connect peer. Each ties one thing outside the inventory to one device of a global network, over one
// of the device's links or none. The thing alone is the key. The three share error sets, states and wording on AWS, so
// what was observed of one is taken to hold for the others.
type deviceAssociations[T any, S ~string, A any] struct {
	resourceType string // in errors
	table        *state.Members[*T]
	build        func(gn, id, device, link string, in S) T
	parts        func(*T) (device, link string)
	state        func(*T) *S
	show         func(*T) A
}

var (
	cgwAssociations = deviceAssociations[state.CustomerGatewayAssociation, api.CustomerGatewayAssociationState, api.CustomerGatewayAssociation]{
		resourceType: "customer-gateway",
		table:        &state.CustomerGatewayAssociations.Members,
		build: func(gn, id, device, link string, in api.CustomerGatewayAssociationState) state.CustomerGatewayAssociation {
			return state.CustomerGatewayAssociation{CustomerGatewayArn: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: in}
		},
		parts: func(a *state.CustomerGatewayAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *state.CustomerGatewayAssociation) *api.CustomerGatewayAssociationState { return &a.State },
		show:  (*state.CustomerGatewayAssociation).API,
	}
	tgwPeerAssociations = deviceAssociations[state.TransitGatewayConnectPeerAssociation, api.TransitGatewayConnectPeerAssociationState, api.TransitGatewayConnectPeerAssociation]{
		resourceType: "transit-gateway-connect-peer",
		table:        &state.TransitGatewayConnectPeerAssociations.Members,
		build: func(gn, id, device, link string, in api.TransitGatewayConnectPeerAssociationState) state.TransitGatewayConnectPeerAssociation {
			return state.TransitGatewayConnectPeerAssociation{TransitGatewayConnectPeerArn: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: in}
		},
		parts: func(a *state.TransitGatewayConnectPeerAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *state.TransitGatewayConnectPeerAssociation) *api.TransitGatewayConnectPeerAssociationState {
			return &a.State
		},
		show: (*state.TransitGatewayConnectPeerAssociation).API,
	}
	peerAssociations = deviceAssociations[state.ConnectPeerAssociation, api.ConnectPeerAssociationState, api.ConnectPeerAssociation]{
		resourceType: "connect-peer",
		table:        &state.ConnectPeerAssociations.Members,
		build: func(gn, id, device, link string, in api.ConnectPeerAssociationState) state.ConnectPeerAssociation {
			return state.ConnectPeerAssociation{ConnectPeerId: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: in}
		},
		parts: func(a *state.ConnectPeerAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *state.ConnectPeerAssociation) *api.ConnectPeerAssociationState { return &a.State },
		show:  (*state.ConnectPeerAssociation).API,
	}
)

// associate makes the association, or answers with the one that is there when it says the same. The global network and
// the thing itself have been checked.
func (d *deviceAssociations[T, S, A]) associate(tx *state.Txn, gn, id, device string, link *string) (*T, error) {
	if _, err := findDevice(tx.View, gn, device); err != nil {
		return nil, err
	}
	if val(link) != "" {
		if _, err := findLink(tx.View, gn, *link); err != nil {
			return nil, err
		}
		if !linkIsOnDevice(tx.View, gn, device, *link) {
			return nil, api.InvalidFields(linkNotOnDevice("linkId"))
		}
	}
	key := d.table.Key(tx.Caller.Account, gn, id)
	if old, ok := d.table.Get(tx.View, key); ok {
		oldDevice, oldLink := d.parts(old)
		switch at := *d.state(old); {
		case at == "DELETED": // still listed, no longer in the way
		case at == "DELETING":
			return nil, api.Conflict(d.resourceType, id, "The association is being deleted.")
		case oldDevice == device && oldLink == val(link):
			return old, nil
		default:
			return nil, api.Conflict(d.resourceType, id, "The resource is already associated with a device.")
		}
	} else if err := tx.Fits(state.QuotaAssociations, d.resourceType+"-association", gn, d.table.Count(tx.View, tx.Caller.Account, gn)); err != nil {
		return nil, err
	}
	row := d.build(gn, id, device, val(link), "PENDING")
	d.table.Save(tx, key, &row)
	return &row, nil
}

// disassociate ends the association. A PENDING one ends too, and a repeat while DELETING answers the same again: a
// client retries a reply that got lost, and there is no client token to know it by.
func (d *deviceAssociations[T, S, A]) disassociate(tx *state.Txn, gn, id string) (*T, error) {
	old, ok := d.table.Get(tx.View, d.table.Key(tx.Caller.Account, gn, id))
	if !ok || *d.state(old) == "DELETED" {
		return nil, api.NotFound(d.resourceType, id)
	}
	if *d.state(old) == "DELETING" {
		return old, nil
	}
	return d.end(tx, gn, id, old), nil
}

// end moves a live association to DELETING.
func (d *deviceAssociations[T, S, A]) end(tx *state.Txn, gn, id string, old *T) *T {
	row := *old
	*d.state(&row) = "DELETING"
	d.table.Save(tx, d.table.Key(tx.Caller.Account, gn, id), &row)
	return &row
}

// endAll ends the live associations of the global network with what ends.
func (d *deviceAssociations[T, S, A]) endAll(tx *state.Txn, gn string, id func(*T) string, ends func(id string) bool) {
	var live []*T
	for _, row := range d.table.Rows(tx.View, d.table.In(tx.Caller.Account, gn), "") {
		if at := *d.state(row); at != "DELETED" && at != "DELETING" && ends(id(row)) {
			live = append(live, row)
		}
	}
	for _, row := range live {
		d.end(tx, gn, id(row), row)
	}
}

// list answers a Get: those with the ids, or all of the global network.
func (d *deviceAssociations[T, S, A]) list(v *state.View, operation string, in api.Input, gn string, ids []string, maxResults *int32, token *string) ([]A, string, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, "", err
	}
	if err := checkFields(in); err != nil {
		return nil, "", err
	}
	p, err := v.PagerOf(ids, maxResults, token, operation, gn)
	if err != nil {
		return nil, "", err
	}
	key := func(id string) state.Key[*T] { return d.table.Key(v.Caller.Account, gn, id) }
	items, next := children(v, p, &d.table.Table, ids, key, nil, nil, d.show)
	return items, next, nil
}
