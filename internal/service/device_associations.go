package service

import (
	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// deviceAssociations is what the three associations with a device have in common: customer gateway, transit gateway
// Connect peer and Connect peer. Each ties one thing outside the inventory to one device of a global network, over one
// of the device's links or none. The thing alone is the key. The three share error sets, states and wording on AWS, so
// what was observed of one is taken to hold for the others.
type deviceAssociations[T any, S ~string] struct {
	name         string // of the table
	resourceType string // in errors
	kind         lifecycle.Kind
	table        *store.Table[T]
	build        func(gn, id, device, link string, state S) T
	parts        func(*T) (device, link string)
	state        func(*T) *S
}

var (
	cgwAssociations = deviceAssociations[api.CustomerGatewayAssociation, api.CustomerGatewayAssociationState]{
		name:         "customer-gateway-association",
		resourceType: "customer-gateway",
		kind:         lifecycle.CustomerGatewayAssociation,
		table:        customerGatewayAssociations,
		build: func(gn, id, device, link string, state api.CustomerGatewayAssociationState) api.CustomerGatewayAssociation {
			return api.CustomerGatewayAssociation{CustomerGatewayArn: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: state}
		},
		parts: func(a *api.CustomerGatewayAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *api.CustomerGatewayAssociation) *api.CustomerGatewayAssociationState { return &a.State },
	}
	tgwPeerAssociations = deviceAssociations[api.TransitGatewayConnectPeerAssociation, api.TransitGatewayConnectPeerAssociationState]{
		name:         "tgw-connect-peer-association",
		resourceType: "transit-gateway-connect-peer",
		kind:         lifecycle.TGWConnectPeerAssociation,
		table:        tgwConnectPeerAssociations,
		build: func(gn, id, device, link string, state api.TransitGatewayConnectPeerAssociationState) api.TransitGatewayConnectPeerAssociation {
			return api.TransitGatewayConnectPeerAssociation{TransitGatewayConnectPeerArn: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: state}
		},
		parts: func(a *api.TransitGatewayConnectPeerAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *api.TransitGatewayConnectPeerAssociation) *api.TransitGatewayConnectPeerAssociationState {
			return &a.State
		},
	}
	peerAssociations = deviceAssociations[api.ConnectPeerAssociation, api.ConnectPeerAssociationState]{
		name:         "connect-peer-association",
		resourceType: "connect-peer",
		kind:         lifecycle.ConnectPeerAssociation,
		table:        connectPeerAssociations,
		build: func(gn, id, device, link string, state api.ConnectPeerAssociationState) api.ConnectPeerAssociation {
			return api.ConnectPeerAssociation{ConnectPeerId: id, GlobalNetworkId: gn, DeviceId: device, LinkId: link, State: state}
		},
		parts: func(a *api.ConnectPeerAssociation) (string, string) { return a.DeviceId, a.LinkId },
		state: func(a *api.ConnectPeerAssociation) *api.ConnectPeerAssociationState { return &a.State },
	}
)

// associate makes the association, or answers with the one that is there when it says the same. The global network and
// the thing itself have been checked.
func (d *deviceAssociations[T, S]) associate(tx *Txn, gn, id, device string, link *string) (*T, error) {
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
	key := tx.key(d.name, gn, id)
	if old, ok := d.table.Get(tx.r, key); ok {
		oldDevice, oldLink := d.parts(old)
		switch state := *d.state(old); {
		case state == "DELETED": // still listed, no longer in the way
		case state == "DELETING":
			return nil, api.Conflict(d.resourceType, id, "The association is being deleted.")
		case oldDevice == device && oldLink == val(link):
			return old, nil
		default:
			return nil, api.Conflict(d.resourceType, id, "The resource is already associated with a device.")
		}
	} else if err := tx.fits(quotaAssociations, d.resourceType+"-association", gn, counter(key, 1)); err != nil {
		return nil, err
	}
	row := d.build(gn, id, device, val(link), "PENDING")
	save(tx.lc, d.kind, d.table, key, &row, "PENDING")
	return &row, nil
}

// disassociate ends the association. A PENDING one ends too, and a repeat while DELETING answers the same again: a
// client retries a reply that got lost, and there is no client token to know it by.
func (d *deviceAssociations[T, S]) disassociate(tx *Txn, gn, id string) (*T, error) {
	old, ok := d.table.Get(tx.r, tx.key(d.name, gn, id))
	if !ok || *d.state(old) == "DELETED" {
		return nil, api.NotFound(d.resourceType, id)
	}
	if *d.state(old) == "DELETING" {
		return old, nil
	}
	return d.end(tx, gn, id, old), nil
}

// end moves a live association to DELETING.
func (d *deviceAssociations[T, S]) end(tx *Txn, gn, id string, old *T) *T {
	row := *old
	*d.state(&row) = "DELETING"
	save(tx.lc, d.kind, d.table, tx.key(d.name, gn, id), &row, "DELETING")
	return &row
}

// endAll ends the live associations of the global network with what ends.
func (d *deviceAssociations[T, S]) endAll(tx *Txn, gn string, id func(*T) string, ends func(id string) bool) {
	var live []*T
	for _, row := range d.table.Scan(tx.r, tx.prefix(d.name, gn), "") {
		if state := *d.state(row); state != "DELETED" && state != "DELETING" && ends(id(row)) {
			live = append(live, row)
		}
	}
	for _, row := range live {
		d.end(tx, gn, id(row), row)
	}
}

// list answers a Get: those with the ids, or all of the global network.
func (d *deviceAssociations[T, S]) list(v *View, operation string, in api.Input, gn string, ids []string, maxResults *int32, token *string) ([]T, string, error) {
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, "", err
	}
	if err := checkFields(in); err != nil {
		return nil, "", err
	}
	p, err := v.newPager(maxResults, token, append([]string{operation, gn}, ids...)...)
	if err != nil {
		return nil, "", err
	}
	items, next := children(v, p, d.table, d.name, gn, ids, nil, nil)
	return items, next, nil
}
