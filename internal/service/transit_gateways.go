package service

import (
	"context"
	"errors"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/lifecycle"
)

// registerTransitGateway brings a transit gateway, and all that hangs on it, into a global network. A transit gateway
// is in one global network at most.
func registerTransitGateway(ctx context.Context, e *env, in *api.RegisterTransitGatewayInput) (*api.RegisterTransitGatewayOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if err := e.expectGlobalNetwork(ctx, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	if err := e.refs.registered(ctx, in.TransitGatewayArn); err != nil {
		return nil, err
	}
	return update(ctx, e, func(tx *Txn) (*api.RegisterTransitGatewayOutput, error) {
		gn, gateway := in.GlobalNetworkId, in.TransitGatewayArn
		if _, err := findOpenGlobalNetwork(tx.View, gn); err != nil {
			return nil, err
		}
		if a, _ := parseARN(gateway); a.account != tx.caller.Account && !organizationEnabled(tx.View) {
			return nil, api.InvalidField("transitGatewayArn", "Transit gateway belongs to another account.")
		}
		// Registered or being deregistered, here or in another global network of whichever account.
		if tgwRegistrations.Any(tx.r, registeredKey(gateway)+"/") {
			return nil, api.BrokenRule("Transit gateway " + gateway + " is already registered with a global network.")
		}
		registration := api.TransitGatewayRegistration{
			GlobalNetworkId:   gn,
			TransitGatewayArn: gateway,
			State:             &api.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationStatePending},
		}
		save(tx.lc, lifecycle.TGWRegistration, tgwRegistrations, tx.key("tgw-registration", gn, gateway), &registration, "PENDING")
		return &api.RegisterTransitGatewayOutput{TransitGatewayRegistration: &registration}, nil
	})
}

// deregisterTransitGateway takes a transit gateway out of a global network, and with it the associations of its
// customer gateways and Connect peers. Which those are is EC2's to know; without a catalog they go with the last
// gateway that could have carried them.
func deregisterTransitGateway(ctx context.Context, e *env, in *api.DeregisterTransitGatewayInput) (*api.DeregisterTransitGatewayOutput, error) {
	over, err := e.reachedOver(ctx, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	return update(ctx, e, func(tx *Txn) (*api.DeregisterTransitGatewayOutput, error) {
		gn, gateway := in.GlobalNetworkId, in.TransitGatewayArn
		if _, err := findGlobalNetwork(tx.View, gn); err != nil {
			return nil, err
		}
		key := tx.key("tgw-registration", gn, gateway)
		old, ok := tgwRegistrations.Get(tx.r, key)
		if !ok || old.State.Code == api.TransitGatewayRegistrationStateDeleted {
			return nil, api.NotFound("transit-gateway", gateway)
		}
		if old.State.Code == api.TransitGatewayRegistrationStateDeleting {
			return &api.DeregisterTransitGatewayOutput{TransitGatewayRegistration: old}, nil
		}
		registration := *old
		registration.State = &api.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationStateDeleting}
		save(tx.lc, lifecycle.TGWRegistration, tgwRegistrations, key, &registration, "DELETING")
		last := !keepsTransitGateway(tx.View, gn, gateway)
		lastForCustomers := last && !hasCoreNetwork(tx.View, gn) // which carries VPN connections too
		cgwAssociations.endAll(tx, gn, func(a *api.CustomerGatewayAssociation) string { return a.CustomerGatewayArn }, func(arn string) bool {
			connections, known := over.customerGateways[arn]
			return lastForCustomers || known && !slices.ContainsFunc(connections, func(c *catalog.VPNConnection) bool {
				return c.TransitGatewayARN != gateway && carries(tx.View, gn, c)
			})
		})
		tgwPeerAssociations.endAll(tx, gn, func(a *api.TransitGatewayConnectPeerAssociation) string { return a.TransitGatewayConnectPeerArn }, func(arn string) bool {
			on, known := over.connectPeers[arn]
			return last || known && (on == "" || on == gateway)
		})
		return &api.DeregisterTransitGatewayOutput{TransitGatewayRegistration: &registration}, nil
	})
}

// reach is what the catalog knows of how associated things are reached: customer gateways over VPN connections, Connect
// peers over one transit gateway. What does not exist any more is reached over nothing; what cannot be asked about now is
// left out.
type reach struct {
	customerGateways map[string][]*catalog.VPNConnection
	connectPeers     map[string]string
}

// reachedOver asks about everything that is associated in a global network. A catalog that is away is no reason to keep
// a gateway: what it cannot tell is as if there were none.
func (s *env) reachedOver(ctx context.Context, gn string) (*reach, error) {
	over := &reach{customerGateways: map[string][]*catalog.VPNConnection{}, connectPeers: map[string]string{}}
	if s.refs.catalog == nil {
		return over, nil
	}
	// The questions come after the look at the state, which must not wait for answers.
	associated, err := read(ctx, s, func(v *View) (arns [2][]string, err error) {
		for _, a := range customerGatewayAssociations.Scan(v.r, v.prefix("customer-gateway-association", gn), "") {
			arns[0] = append(arns[0], a.CustomerGatewayArn)
		}
		for _, a := range tgwConnectPeerAssociations.Scan(v.r, v.prefix("tgw-connect-peer-association", gn), "") {
			arns[1] = append(arns[1], a.TransitGatewayConnectPeerArn)
		}
		return arns, nil
	})
	if err != nil {
		return nil, err
	}
	for _, arn := range associated[0] {
		connections, err := s.refs.customerGateway(ctx, arn)
		if err != nil && !isNotFound(err) {
			return s.notReached(ctx, over, err)
		}
		over.customerGateways[arn] = connections
	}
	for _, arn := range associated[1] {
		gateway, err := s.refs.connectPeer(ctx, arn)
		if err != nil && !isNotFound(err) {
			return s.notReached(ctx, over, err)
		}
		over.connectPeers[arn] = gateway
	}
	return over, nil
}

// notReached goes by what is known so far: who does not answer once is not asked about all the rest.
func (s *env) notReached(ctx context.Context, over *reach, err error) (*reach, error) {
	s.log.Warn("the catalog cannot tell what a transit gateway carries", "error", errors.Unwrap(err))
	return over, ctx.Err()
}

func isNotFound(err error) bool {
	var missing *api.ResourceNotFoundException
	return errors.As(err, &missing)
}

// isRegistered tells whether a transit gateway is in the global network and stays there.
func isRegistered(v *View, gn, gateway string) bool {
	r, ok := tgwRegistrations.Get(v.r, v.key("tgw-registration", gn, gateway))
	if !ok {
		return false
	}
	switch r.State.Code {
	case api.TransitGatewayRegistrationStatePending, api.TransitGatewayRegistrationStateAvailable:
		return true
	}
	return false
}

// keepsTransitGateway tells whether a transit gateway other than the one given is registered and stays so.
func keepsTransitGateway(v *View, gn, but string) bool {
	for _, r := range tgwRegistrations.ScanIndex(v.r, v.prefix("tgw-registration.live", gn), "") {
		if r.TransitGatewayArn != but && r.State.Code != api.TransitGatewayRegistrationStateDeleting {
			return true
		}
	}
	return false
}

// getTransitGatewayRegistrations lists the transit gateways of a global network.
func getTransitGatewayRegistrations(v *View, in *api.GetTransitGatewayRegistrationsInput) (*api.GetTransitGatewayRegistrationsOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.newPager(in.MaxResults, in.NextToken, append([]string{"GetTransitGatewayRegistrations", gn}, in.TransitGatewayArns...)...)
	if err != nil {
		return nil, err
	}
	var out api.GetTransitGatewayRegistrationsOutput
	out.TransitGatewayRegistrations, out.NextToken = children(v, p, tgwRegistrations, "tgw-registration", gn, in.TransitGatewayArns, nil, nil)
	return &out, nil
}

// moveRegistration is the plain move of a registration, whose state is a structure that rows share.
func moveRegistration(lc *lifecycle.Txn, e lifecycle.Entry) error {
	row, ok := tgwRegistrations.Get(lc.Txn, e.Key)
	if !ok || string(row.State.Code) != e.From {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.TGWRegistration, e.From)
	if step.Next == lifecycle.Gone {
		tgwRegistrations.Delete(lc.Txn, e.Key)
		return nil
	}
	next := *row
	next.State = &api.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationState(step.Next)}
	save(lc, lifecycle.TGWRegistration, tgwRegistrations, e.Key, &next, step.Next)
	return nil
}

// associateTransitGatewayConnectPeer ties a transit gateway's Connect peer to a device. Which transit gateway the peer
// is on is EC2's to know: without a catalog every well-formed ARN is taken.
func associateTransitGatewayConnectPeer(ctx context.Context, e *env, in *api.AssociateTransitGatewayConnectPeerInput) (*api.AssociateTransitGatewayConnectPeerOutput, error) {
	if err := checkFields(in); err != nil {
		return nil, err
	}
	if err := e.expectGlobalNetwork(ctx, in.GlobalNetworkId); err != nil {
		return nil, err
	}
	gateway, err := e.refs.connectPeer(ctx, in.TransitGatewayConnectPeerArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, e, func(tx *Txn) (*api.AssociateTransitGatewayConnectPeerOutput, error) {
		if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if gateway != "" && !isRegistered(tx.View, in.GlobalNetworkId, gateway) {
			// What hangs on no registered gateway is not in the inventory.
			return nil, api.NotFound("transit-gateway-connect-peer", in.TransitGatewayConnectPeerArn)
		}
		association, err := tgwPeerAssociations.associate(tx, in.GlobalNetworkId, in.TransitGatewayConnectPeerArn, in.DeviceId, in.LinkId)
		if err != nil {
			return nil, err
		}
		return &api.AssociateTransitGatewayConnectPeerOutput{TransitGatewayConnectPeerAssociation: association}, nil
	})
}

// disassociateTransitGatewayConnectPeer takes a transit gateway's Connect peer from its device.
func disassociateTransitGatewayConnectPeer(tx *Txn, in *api.DisassociateTransitGatewayConnectPeerInput) (*api.DisassociateTransitGatewayConnectPeerOutput, error) {
	gn, err := findGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	association, err := tgwPeerAssociations.disassociate(tx, gn.GlobalNetworkId, in.TransitGatewayConnectPeerArn)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateTransitGatewayConnectPeerOutput{TransitGatewayConnectPeerAssociation: association}, nil
}

// getTransitGatewayConnectPeerAssociations lists the associations of transit gateway Connect peers in a global network.
func getTransitGatewayConnectPeerAssociations(v *View, in *api.GetTransitGatewayConnectPeerAssociationsInput) (*api.GetTransitGatewayConnectPeerAssociationsOutput, error) {
	items, next, err := tgwPeerAssociations.list(v, "GetTransitGatewayConnectPeerAssociations", in,
		in.GlobalNetworkId, in.TransitGatewayConnectPeerArns, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.GetTransitGatewayConnectPeerAssociationsOutput{TransitGatewayConnectPeerAssociations: items, NextToken: next}, nil
}
