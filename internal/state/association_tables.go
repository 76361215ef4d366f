package state

import (
	"portolan/api"
	"portolan/internal/lifecycle"
	"portolan/internal/store"
)

// The tables of what is associated with devices and registered in global networks.
var (
	LinkAssociations = linkAssociations{newTable(lifecycle.LinkAssociation, func(r *LinkAssociation) string { return string(r.LinkAssociationState) }, store.Schema[*LinkAssociation]{
		Name:  "link-association",
		Count: func(key string, _ *LinkAssociation) string { return counter(key, 1) },
		Indexes: []store.Index[*LinkAssociation]{
			{Name: "link", Keys: func(key string, a *LinkAssociation) []string { return entry(key, "link", 1, a.LinkId) }},
			{Name: "use", Keys: func(key string, a *LinkAssociation) []string {
				if a.LinkAssociationState == api.LinkAssociationStateDeleted {
					return nil
				}
				return append(entry(key, "use", 1, a.DeviceId), entry(key, "use", 1, a.LinkId)...)
			}},
		},
	})}
	CustomerGatewayAssociations = users[*CustomerGatewayAssociation]{Members[*CustomerGatewayAssociation]{newTable(
		lifecycle.CustomerGatewayAssociation, func(r *CustomerGatewayAssociation) string { return string(r.State) },
		store.Schema[*CustomerGatewayAssociation]{
			Name:  "customer-gateway-association",
			Count: func(key string, _ *CustomerGatewayAssociation) string { return counter(key, 1) },
			Indexes: deviceUse(func(a *CustomerGatewayAssociation) (device, link string, live bool) {
				return a.DeviceId, a.LinkId, a.State != api.CustomerGatewayAssociationStateDeleted
			}),
		})}}
	TransitGatewayConnectPeerAssociations = users[*TransitGatewayConnectPeerAssociation]{Members[*TransitGatewayConnectPeerAssociation]{newTable(
		lifecycle.TGWConnectPeerAssociation, func(r *TransitGatewayConnectPeerAssociation) string { return string(r.State) },
		store.Schema[*TransitGatewayConnectPeerAssociation]{
			Name:  "tgw-connect-peer-association",
			Count: func(key string, _ *TransitGatewayConnectPeerAssociation) string { return counter(key, 1) },
			Indexes: deviceUse(func(a *TransitGatewayConnectPeerAssociation) (device, link string, live bool) {
				return a.DeviceId, a.LinkId, a.State != api.TransitGatewayConnectPeerAssociationStateDeleted
			}),
		})}}
	ConnectPeerAssociations = users[*ConnectPeerAssociation]{Members[*ConnectPeerAssociation]{newTable(
		lifecycle.ConnectPeerAssociation, func(r *ConnectPeerAssociation) string { return string(r.State) },
		store.Schema[*ConnectPeerAssociation]{
			Name:  "connect-peer-association",
			Count: func(key string, _ *ConnectPeerAssociation) string { return counter(key, 1) },
			Indexes: deviceUse(func(a *ConnectPeerAssociation) (device, link string, live bool) {
				return a.DeviceId, a.LinkId, a.State != api.ConnectPeerAssociationStateDeleted
			}),
		})}}
	TransitGatewayRegistrations = registrations{Members[*TransitGatewayRegistration]{newTable(
		lifecycle.TGWRegistration, func(r *TransitGatewayRegistration) string { return string(r.State.Code) },
		store.Schema[*TransitGatewayRegistration]{
			Name: "tgw-registration",
			Indexes: []store.Index[*TransitGatewayRegistration]{
				{Name: "live", Keys: func(key string, r *TransitGatewayRegistration) []string {
					switch r.State.Code {
					case api.TransitGatewayRegistrationStateDeleted, api.TransitGatewayRegistrationStateFailed:
						return nil
					}
					return entry(key, "live", 1, r.TransitGatewayArn)
				}},
				{Name: "gateway", Keys: func(key string, r *TransitGatewayRegistration) []string {
					if r.State.Code == api.TransitGatewayRegistrationStateDeleted {
						return nil
					}
					return []string{registeredKey(r.TransitGatewayArn) + store.Path(accountOf(key), r.GlobalNetworkId)}
				}},
			},
		})}}
)

type linkAssociations struct{ Table[*LinkAssociation] }

// Key is the key of a link on a device.
func (t *linkAssociations) Key(account, gn, device, link string) Key[*LinkAssociation] {
	return Key[*LinkAssociation]{accountKey(account, "link-association", gn, device, link)}
}

// In are the associations in a global network.
func (t *linkAssociations) In(account, gn string) Range[*LinkAssociation] {
	return below[*LinkAssociation](accountKey(account, "link-association", gn))
}

// OnDevice are the associations of a device.
func (t *linkAssociations) OnDevice(account, gn, device string) Range[*LinkAssociation] {
	return below[*LinkAssociation](accountKey(account, "link-association", gn, device))
}

// OfLink are the associations of a link.
func (t *linkAssociations) OfLink(account, gn, link string) Range[*LinkAssociation] {
	return indexed[*LinkAssociation](accountKey(account, "link-association.link", gn, link))
}

// Using are the associations that are not DELETED of a device or a link.
func (t *linkAssociations) Using(account, gn, deviceOrLink string) Range[*LinkAssociation] {
	return indexed[*LinkAssociation](accountKey(account, "link-association.use", gn, deviceOrLink))
}

// Count is the number of associations in a global network.
func (t *linkAssociations) Count(v *View, account, gn string) int {
	return store.CountAt(v.r, accountKey(account, "link-association.count", gn))
}

type registrations struct {
	Members[*TransitGatewayRegistration]
}

// Live are the registrations of a global network that are neither DELETED nor FAILED.
func (t *registrations) Live(account, gn string) Range[*TransitGatewayRegistration] {
	return indexed[*TransitGatewayRegistration](accountKey(account, "tgw-registration.live", gn))
}

// OfGateway are the registrations of a transit gateway that are not DELETED, whosever the global network is.
func (t *registrations) OfGateway(gateway string) Range[*TransitGatewayRegistration] {
	return indexed[*TransitGatewayRegistration](registeredKey(gateway))
}

// IsRegistered tells whether a transit gateway is in a global network of the caller's and stays there.
func (t *registrations) IsRegistered(v *View, gn, gateway string) bool {
	r, ok := t.Get(v, t.Key(v.Caller.Account, gn, gateway))
	if !ok {
		return false
	}
	switch r.State.Code {
	case api.TransitGatewayRegistrationStatePending, api.TransitGatewayRegistrationStateAvailable:
		return true
	}
	return false
}

// deviceUse indexes associations by the device, and by the device and link, that they use.
func deviceUse[R any](of func(R) (device, link string, live bool)) []store.Index[R] {
	return []store.Index[R]{
		{Name: "device", Keys: func(key string, row R) []string {
			device, _, live := of(row)
			if !live {
				return nil
			}
			return entry(key, "device", 1, device)
		}},
		{Name: "device-link", Keys: func(key string, row R) []string {
			device, link, live := of(row)
			if !live {
				return nil
			}
			return entry(key, "device-link", 1, device, link)
		}},
		{Name: "link", Keys: func(key string, row R) []string {
			_, link, live := of(row)
			if !live {
				return nil
			}
			return entry(key, "link", 1, link)
		}},
	}
}
