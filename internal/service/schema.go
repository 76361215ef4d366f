package service

import (
	"portolan/api"
	"portolan/internal/store"
)

// The schema of the whole server. A row lives below the account that owns it, so that an account can be emptied at
// once; ids grow with time, so that key order is creation order. Associations are kept by what identifies them.
//
//	/acct/A/global-network/GN                             api.GlobalNetwork
//	/acct/A/site/GN/SITE                                  api.Site
//	/acct/A/device/GN/DEVICE                              api.Device
//	/acct/A/link/GN/LINK                                  api.Link
//	/acct/A/connection/GN/CONNECTION                      api.Connection
//	/acct/A/link-association/GN/DEVICE/LINK               api.LinkAssociation
//	/acct/A/customer-gateway-association/GN/ARN           api.CustomerGatewayAssociation
//	/acct/A/tgw-connect-peer-association/GN/ARN           api.TransitGatewayConnectPeerAssociation
//	/acct/A/connect-peer-association/GN/PEER              api.ConnectPeerAssociation
//	/acct/A/tgw-registration/GN/ARN                       api.TransitGatewayRegistration
//	/acct/A/core-network/CN                               coreNetworkRow
//	/acct/A/core-network-policy/CN/VERSION                api.CoreNetworkPolicy, newest first
//	/acct/A/core-network-execution/CN/VERSION             executionRow
//	/acct/A/core-network-change/CN/VERSION/CHUNK          changeChunk
//	/acct/A/attachment/CN/ATTACHMENT                      attachmentRow, below the core network's owner
//	/acct/A/peering/CN/PEERING                            peeringRow, below the core network's owner
//	/acct/A/prefix-list-association/CN/ARN                prefixListAssociationRow
//	/acct/A/connect-peer/ATTACHMENT/PEER                  connectPeerRow, below the core network's owner
//	/acct/A/announcements/CN/ID                           announcementsRow of an attachment or a Connect peer
//	/acct/A/routing-generation/CN                         moves with everything the routes depend on
//	/acct/A/routing-generation/CN/NUMBER                  key of the row of each of the last moves
//	/acct/A/announced-routes/CN                           announcedRow, up to where routes were told in events
//	/acct/A/announced-policy/CN                           announcedPolicyRow, what these routes were computed from
//	/acct/A/announced-attachment/CN/ATTACHMENT            routing.Attachment, the same
//	/acct/A/outside/GN                                    outsideRow, what events were told of transit gateways and tunnels
//	/acct/A/outside-table/GN/ARN                          outsideTable, the same of a transit gateway route table
//	/acct/A/client-token/OPERATION/TOKEN                  usedToken
//	/acct/A/route-analysis/GN/ID                          api.RouteAnalysis
//	/acct/A/resource-metadata/GN/ARN                      map of what was stored for a resource
//	/acct/A/organization-access                           organizationAccess
//	/acct/A/snapshot-import                               importRow, the file that the account began with
//
// Index entries sit in tables of their own name with a dot: /acct/A/device.site/GN/SITE/DEVICE points at a device. What
// other accounts may ask for, or must not have too, is found below /id/ID, /resource/ARN, /registered/ARN and /shared/CN,
// and below /acct/A/attachment.guest and /acct/A/peering.guest by who made it. /announced/CN finds the routes that were
// told of any account.
var (
	globalNetworks = store.NewTable(store.Schema[api.GlobalNetwork]{
		Name:  "global-network",
		Count: func(key string, _ *api.GlobalNetwork) string { return counter(key, 0) },
	})
	sites = store.NewTable(store.Schema[api.Site]{
		Name:  "site",
		Count: func(key string, _ *api.Site) string { return counter(key, 1) },
	})
	devices = store.NewTable(store.Schema[api.Device]{
		Name:  "device",
		Count: func(key string, _ *api.Device) string { return counter(key, 1) },
		Indexes: []store.Index[api.Device]{
			{Name: "site", Keys: func(key string, d *api.Device) []string {
				return entry(key, "site", 1, d.SiteId)
			}},
		},
	})
	links = store.NewTable(store.Schema[api.Link]{
		Name:  "link",
		Count: func(key string, _ *api.Link) string { return counter(key, 1) },
		Indexes: []store.Index[api.Link]{
			{Name: "site", Keys: func(key string, l *api.Link) []string { return entry(key, "site", 1, l.SiteId) }},
			{Name: "type", Keys: func(key string, l *api.Link) []string { return entry(key, "type", 1, l.Type) }},
			{Name: "provider", Keys: func(key string, l *api.Link) []string { return entry(key, "provider", 1, l.Provider) }},
		},
	})
	connections = store.NewTable(store.Schema[api.Connection]{
		Name:  "connection",
		Count: func(key string, _ *api.Connection) string { return counter(key, 1) },
		Indexes: []store.Index[api.Connection]{
			{Name: "device", Keys: func(key string, c *api.Connection) []string {
				return append(entry(key, "device", 1, c.DeviceId), entry(key, "device", 1, c.ConnectedDeviceId)...)
			}},
			{Name: "link", Keys: func(key string, c *api.Connection) []string {
				return append(entry(key, "link", 1, c.LinkId), entry(key, "link", 1, c.ConnectedLinkId)...)
			}},
			{Name: "device-link", Keys: func(key string, c *api.Connection) []string {
				return append(entry(key, "device-link", 1, c.DeviceId, c.LinkId), entry(key, "device-link", 1, c.ConnectedDeviceId, c.ConnectedLinkId)...)
			}},
		},
	})

	linkAssociations = store.NewTable(store.Schema[api.LinkAssociation]{
		Name:  "link-association",
		Count: func(key string, _ *api.LinkAssociation) string { return counter(key, 1) },
		Indexes: []store.Index[api.LinkAssociation]{
			{Name: "link", Keys: func(key string, a *api.LinkAssociation) []string { return entry(key, "link", 1, a.LinkId) }},
			{Name: "use", Keys: func(key string, a *api.LinkAssociation) []string {
				if a.LinkAssociationState == api.LinkAssociationStateDeleted {
					return nil
				}
				return append(entry(key, "use", 1, a.DeviceId), entry(key, "use", 1, a.LinkId)...)
			}},
		},
	})
	customerGatewayAssociations = store.NewTable(store.Schema[api.CustomerGatewayAssociation]{
		Name:  "customer-gateway-association",
		Count: func(key string, _ *api.CustomerGatewayAssociation) string { return counter(key, 1) },
		Indexes: deviceUse(func(a *api.CustomerGatewayAssociation) (device, link string, live bool) {
			return a.DeviceId, a.LinkId, a.State != api.CustomerGatewayAssociationStateDeleted
		}),
	})
	tgwConnectPeerAssociations = store.NewTable(store.Schema[api.TransitGatewayConnectPeerAssociation]{
		Name:  "tgw-connect-peer-association",
		Count: func(key string, _ *api.TransitGatewayConnectPeerAssociation) string { return counter(key, 1) },
		Indexes: deviceUse(func(a *api.TransitGatewayConnectPeerAssociation) (device, link string, live bool) {
			return a.DeviceId, a.LinkId, a.State != api.TransitGatewayConnectPeerAssociationStateDeleted
		}),
	})
	connectPeerAssociations = store.NewTable(store.Schema[api.ConnectPeerAssociation]{
		Name:  "connect-peer-association",
		Count: func(key string, _ *api.ConnectPeerAssociation) string { return counter(key, 1) },
		Indexes: deviceUse(func(a *api.ConnectPeerAssociation) (device, link string, live bool) {
			return a.DeviceId, a.LinkId, a.State != api.ConnectPeerAssociationStateDeleted
		}),
	})
	tgwRegistrations = store.NewTable(store.Schema[api.TransitGatewayRegistration]{
		Name: "tgw-registration",
		Indexes: []store.Index[api.TransitGatewayRegistration]{
			{Name: "live", Keys: func(key string, r *api.TransitGatewayRegistration) []string {
				switch r.State.Code {
				case api.TransitGatewayRegistrationStateDeleted, api.TransitGatewayRegistrationStateFailed:
					return nil
				}
				return entry(key, "live", 1, r.TransitGatewayArn)
			}},
			{Name: "gateway", Keys: func(key string, r *api.TransitGatewayRegistration) []string {
				if r.State.Code == api.TransitGatewayRegistrationStateDeleted {
					return nil
				}
				return []string{registeredKey(r.TransitGatewayArn) + store.Path(accountOf(key), r.GlobalNetworkId)}
			}},
		},
	})

	coreNetworks = store.NewTable(store.Schema[coreNetworkRow]{
		Name:  "core-network",
		Touch: func(key string, r *coreNetworkRow) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Count: func(key string, r *coreNetworkRow) string {
			return accountKey(accountOf(key), "core-network.count", r.GlobalNetworkId)
		},
		Indexes: []store.Index[coreNetworkRow]{
			{Name: "global-network", Keys: func(key string, r *coreNetworkRow) []string {
				return entry(key, "global-network", 0, r.GlobalNetworkId)
			}},
			{Name: "id", Keys: func(_ string, r *coreNetworkRow) []string { return []string{idKey(r.CoreNetworkId)} }},
			{Name: "shared", Keys: func(_ string, r *coreNetworkRow) []string {
				if r.ResourcePolicy == "" {
					return nil
				}
				return []string{store.Path("shared", r.CoreNetworkId)}
			}},
		},
	})
	policyVersions = store.NewTable(store.Schema[api.CoreNetworkPolicy]{
		Name:  "core-network-policy",
		Count: func(key string, _ *api.CoreNetworkPolicy) string { return counter(key, 1) },
		Indexes: []store.Index[api.CoreNetworkPolicy]{
			{Name: "current", Keys: func(key string, v *api.CoreNetworkPolicy) []string {
				if v.ChangeSetState == api.ChangeSetStateOutOfDate {
					return nil
				}
				return entry(key, "current", 1, string(v.ChangeSetState))
			}},
		},
	})
	attachments = store.NewTable(store.Schema[attachmentRow]{
		Name:  "attachment",
		Count: func(key string, _ *attachmentRow) string { return counter(key, 1) },
		Touch: func(key string, r *attachmentRow) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Indexes: []store.Index[attachmentRow]{
			{Name: "id", Keys: func(_ string, r *attachmentRow) []string { return []string{idKey(r.AttachmentId)} }},
			{Name: "transport", Keys: func(key string, r *attachmentRow) []string {
				return entry(key, "transport", 0, r.TransportAttachmentId)
			}},
			{Name: "resource", Keys: func(_ string, r *attachmentRow) []string {
				return []string{resourceKey(r.ResourceArn) + store.Path(r.AttachmentId)}
			}},
			{Name: "guest", Keys: func(key string, r *attachmentRow) []string {
				return guestEntry(key, "attachment", r.OwnerAccountId, r.CoreNetworkId, r.AttachmentId)
			}},
			{Name: "dx-gateway", Keys: func(key string, r *attachmentRow) []string {
				if r.AttachmentType != api.AttachmentTypeDirectConnectGateway {
					return nil
				}
				return entry(key, "dx-gateway", 1, r.ResourceArn)
			}},
			{Name: "peering", Keys: func(key string, r *attachmentRow) []string { return entry(key, "peering", 0, r.PeeringId) }},
			{Name: "group", Keys: func(key string, r *attachmentRow) []string {
				return entry(key, "group", 1, r.NetworkFunctionGroupName)
			}},
		},
	})
	peerings = store.NewTable(store.Schema[peeringRow]{
		Name:  "peering",
		Count: func(key string, _ *peeringRow) string { return counter(key, 1) },
		Indexes: []store.Index[peeringRow]{
			{Name: "id", Keys: func(_ string, r *peeringRow) []string { return []string{idKey(r.PeeringId)} }},
			{Name: "gateway", Keys: func(key string, r *peeringRow) []string { return entry(key, "gateway", 1, r.ResourceArn) }},
			{Name: "guest", Keys: func(key string, r *peeringRow) []string {
				return guestEntry(key, "peering", r.OwnerAccountId, r.CoreNetworkId, r.PeeringId)
			}},
		},
	})
	prefixListAssociations = store.NewTable(store.Schema[prefixListAssociationRow]{
		Name:  "prefix-list-association",
		Count: func(key string, _ *prefixListAssociationRow) string { return counter(key, 1) },
		Touch: func(key string, r *prefixListAssociationRow) string {
			return routingGeneration(accountOf(key), r.CoreNetworkId)
		},
		Indexes: []store.Index[prefixListAssociationRow]{
			{Name: "alias", Keys: func(key string, r *prefixListAssociationRow) []string {
				return entry(key, "alias", 1, r.PrefixListAlias)
			}},
		},
	})
	connectPeers = store.NewTable(store.Schema[connectPeerRow]{
		Name:  "connect-peer",
		Count: func(key string, _ *connectPeerRow) string { return counter(key, 1) },
		Touch: func(key string, r *connectPeerRow) string { return routingGeneration(accountOf(key), r.CoreNetworkId) },
		Indexes: []store.Index[connectPeerRow]{
			{Name: "id", Keys: func(_ string, r *connectPeerRow) []string { return []string{idKey(r.ConnectPeerId)} }},
			{Name: "core-network", Keys: func(key string, r *connectPeerRow) []string {
				return entry(key, "core-network", 0, r.CoreNetworkId)
			}},
			{Name: "edge", Keys: func(key string, r *connectPeerRow) []string {
				return entry(key, "edge", 0, r.CoreNetworkId, r.EdgeLocation)
			}},
		},
	})

	executions = store.NewTable(store.Schema[executionRow]{Name: "core-network-execution"})
	changes    = store.NewTable(store.Schema[changeChunk]{Name: "core-network-change"})

	usedTokens           = store.NewTable(store.Schema[usedToken]{Name: "client-token"})
	organizationAccesses = store.NewTable(store.Schema[organizationAccess]{Name: "organization-access"})
)
