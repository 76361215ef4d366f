package service

import (
	"context"
	"errors"
	"slices"

	"portolan/api"
	"portolan/internal/catalog"
	"portolan/internal/lifecycle"
	"portolan/internal/state"
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
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.RegisterTransitGatewayOutput, error) {
		gn, gateway := in.GlobalNetworkId, in.TransitGatewayArn
		if _, err := findOpenGlobalNetwork(tx.View, gn); err != nil {
			return nil, err
		}
		if a, _ := state.ParseARN(gateway); a.Account != tx.Caller.Account && !organizationEnabled(tx.View) {
			return nil, api.InvalidField("transitGatewayArn", "Transit gateway belongs to another account.")
		}
		// Registered or being deregistered, here or in another global network of whichever account.
		if state.TransitGatewayRegistrations.Any(tx.View, state.TransitGatewayRegistrations.OfGateway(gateway)) {
			return nil, api.BrokenRule("Transit gateway " + gateway + " is already registered with a global network.")
		}
		registration := state.TransitGatewayRegistration{
			GlobalNetworkId:   gn,
			TransitGatewayArn: gateway,
			State:             &state.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationStatePending},
		}
		state.TransitGatewayRegistrations.Save(tx, state.TransitGatewayRegistrations.Key(tx.Caller.Account, gn, gateway), &registration)
		return &api.RegisterTransitGatewayOutput{TransitGatewayRegistration: new(registration.API())}, nil
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
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.DeregisterTransitGatewayOutput, error) {
		gn, gateway := in.GlobalNetworkId, in.TransitGatewayArn
		if _, err := findGlobalNetwork(tx.View, gn); err != nil {
			return nil, err
		}
		key := state.TransitGatewayRegistrations.Key(tx.Caller.Account, gn, gateway)
		old, ok := state.TransitGatewayRegistrations.Get(tx.View, key)
		if !ok || old.State.Code == api.TransitGatewayRegistrationStateDeleted {
			return nil, api.NotFound("transit-gateway", gateway)
		}
		if old.State.Code == api.TransitGatewayRegistrationStateDeleting {
			return &api.DeregisterTransitGatewayOutput{TransitGatewayRegistration: new(old.API())}, nil
		}
		registration := *old
		registration.State = &state.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationStateDeleting}
		state.TransitGatewayRegistrations.Save(tx, key, &registration)
		last := !keepsTransitGateway(tx.View, gn, gateway)
		lastForCustomers := last && !hasCoreNetwork(tx.View, gn) // which carries VPN connections too
		cgwAssociations.endAll(tx, gn, func(a *state.CustomerGatewayAssociation) string { return a.CustomerGatewayArn }, func(arn string) bool {
			connections, known := over.customerGateways[arn]
			return lastForCustomers || known && !slices.ContainsFunc(connections, func(c *catalog.VPNConnection) bool {
				return c.TransitGatewayARN != gateway && carries(tx.View, gn, c)
			})
		})
		tgwPeerAssociations.endAll(tx, gn, func(a *state.TransitGatewayConnectPeerAssociation) string { return a.TransitGatewayConnectPeerArn }, func(arn string) bool {
			on, known := over.connectPeers[arn]
			return last || known && (on == "" || on == gateway)
		})
		return &api.DeregisterTransitGatewayOutput{TransitGatewayRegistration: new(registration.API())}, nil
	})
}

// reach is what the catalog knows of how associated things are reached: customer gateways over VPN connections, Connect
// peers over one transit gateway. What does not exist any more is reached over nothing; what cannot be asked about now is
// left out.
type reach struct {
	customerGateways map[string][]*catalog.VPNConnection
	connectPeers     map[string]string
}

// associatedARNs is what is associated in a global network.
type associatedARNs struct{ customerGateways, connectPeers []string }

// reachedOver asks about everything that is associated in a global network. A catalog that is away is no reason to keep
// a gateway: what it cannot tell is as if there were none.
func (s *env) reachedOver(ctx context.Context, gn string) (*reach, error) {
	over := &reach{customerGateways: map[string][]*catalog.VPNConnection{}, connectPeers: map[string]string{}}
	if s.refs.catalog == nil {
		return over, nil
	}
	// The questions come after the look at the state, which must not wait for answers.
	associated, err := state.Read(ctx, s.db, func(v *state.View) (arns associatedARNs, err error) {
		for _, a := range state.CustomerGatewayAssociations.Rows(v, state.CustomerGatewayAssociations.In(v.Caller.Account, gn), "") {
			arns.customerGateways = append(arns.customerGateways, a.CustomerGatewayArn)
		}
		for _, a := range state.TransitGatewayConnectPeerAssociations.Rows(v, state.TransitGatewayConnectPeerAssociations.In(v.Caller.Account, gn), "") {
			arns.connectPeers = append(arns.connectPeers, a.TransitGatewayConnectPeerArn)
		}
		return arns, nil
	})
	if err != nil {
		return nil, err
	}
	for _, arn := range associated.customerGateways {
		connections, err := s.refs.customerGateway(ctx, arn)
		if err != nil && !isNotFound(err) {
			return s.notReached(ctx, over, err)
		}
		over.customerGateways[arn] = connections
	}
	for _, arn := range associated.connectPeers {
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

// keepsTransitGateway tells whether a transit gateway other than the one given is registered and stays so.
func keepsTransitGateway(v *state.View, gn, but string) bool {
	for _, r := range state.TransitGatewayRegistrations.Rows(v, state.TransitGatewayRegistrations.Live(v.Caller.Account, gn), "") {
		if r.TransitGatewayArn != but && r.State.Code != api.TransitGatewayRegistrationStateDeleting {
			return true
		}
	}
	return false
}

// getTransitGatewayRegistrations lists the transit gateways of a global network.
func getTransitGatewayRegistrations(v *state.View, in *api.GetTransitGatewayRegistrationsInput) (*api.GetTransitGatewayRegistrationsOutput, error) {
	gn := in.GlobalNetworkId
	if _, err := findGlobalNetwork(v, gn); err != nil {
		return nil, err
	}
	if err := checkFields(in); err != nil {
		return nil, err
	}
	p, err := v.PagerOf(in.TransitGatewayArns, in.MaxResults, in.NextToken, "GetTransitGatewayRegistrations", gn)
	if err != nil {
		return nil, err
	}
	key := func(arn string) state.Key[*state.TransitGatewayRegistration] {
		return state.TransitGatewayRegistrations.Key(v.Caller.Account, gn, arn)
	}
	var out api.GetTransitGatewayRegistrationsOutput
	out.TransitGatewayRegistrations, out.NextToken = children(v, p, &state.TransitGatewayRegistrations.Table, in.TransitGatewayArns, key, nil, nil, (*state.TransitGatewayRegistration).API)
	return &out, nil
}

// moveRegistration is the plain move of a registration, whose state is a structure that rows share.
func moveRegistration(tx *state.Txn, key state.Key[*state.TransitGatewayRegistration], from string) error {
	row, ok := state.TransitGatewayRegistrations.Get(tx.View, key)
	if !ok || string(row.State.Code) != from {
		return nil
	}
	step, _ := lifecycle.Next(lifecycle.TGWRegistration, from)
	if step.Next == lifecycle.Gone {
		state.TransitGatewayRegistrations.Delete(tx, key)
		return nil
	}
	next := *row
	next.State = &state.TransitGatewayRegistrationStateReason{Code: api.TransitGatewayRegistrationState(step.Next)}
	state.TransitGatewayRegistrations.Save(tx, key, &next)
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
	return state.Update(ctx, e.db, func(tx *state.Txn) (*api.AssociateTransitGatewayConnectPeerOutput, error) {
		if _, err := findOpenGlobalNetwork(tx.View, in.GlobalNetworkId); err != nil {
			return nil, err
		}
		if gateway != "" && !state.TransitGatewayRegistrations.IsRegistered(tx.View, in.GlobalNetworkId, gateway) {
			// What hangs on no registered gateway is not in the inventory.
			return nil, api.NotFound("transit-gateway-connect-peer", in.TransitGatewayConnectPeerArn)
		}
		association, err := tgwPeerAssociations.associate(tx, in.GlobalNetworkId, in.TransitGatewayConnectPeerArn, in.DeviceId, in.LinkId)
		if err != nil {
			return nil, err
		}
		return &api.AssociateTransitGatewayConnectPeerOutput{TransitGatewayConnectPeerAssociation: new(association.API())}, nil
	})
}

// disassociateTransitGatewayConnectPeer takes a transit gateway's Connect peer from its device.
func disassociateTransitGatewayConnectPeer(tx *state.Txn, in *api.DisassociateTransitGatewayConnectPeerInput) (*api.DisassociateTransitGatewayConnectPeerOutput, error) {
	gn, err := findGlobalNetwork(tx.View, in.GlobalNetworkId)
	if err != nil {
		return nil, err
	}
	association, err := tgwPeerAssociations.disassociate(tx, gn.GlobalNetworkId, in.TransitGatewayConnectPeerArn)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateTransitGatewayConnectPeerOutput{TransitGatewayConnectPeerAssociation: new(association.API())}, nil
}

// getTransitGatewayConnectPeerAssociations lists the associations of transit gateway Connect peers in a global network.
func getTransitGatewayConnectPeerAssociations(v *state.View, in *api.GetTransitGatewayConnectPeerAssociationsInput) (*api.GetTransitGatewayConnectPeerAssociationsOutput, error) {
	items, next, err := tgwPeerAssociations.list(v, "GetTransitGatewayConnectPeerAssociations", in,
		in.GlobalNetworkId, in.TransitGatewayConnectPeerArns, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.GetTransitGatewayConnectPeerAssociationsOutput{TransitGatewayConnectPeerAssociations: items, NextToken: next}, nil
}
