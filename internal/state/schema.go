package state

// The schema of the whole server, format [Format]. A row lives below the account that owns it, so that an account can be
// emptied at once; ids grow with time, so that key order is creation order. Associations are kept by what identifies
// them. Rows are JSON; the members of each are those of its type here.
//
//	/format                                               Format, the version of all this
//	/format.from                                          the version that it is being changed from, while that lasts
//	/page-key                                             what tokens of pages are sealed with, in hexadecimal digits
//	/acct/A/global-network/GN                             GlobalNetwork
//	/acct/A/site/GN/SITE                                  Site
//	/acct/A/device/GN/DEVICE                              Device
//	/acct/A/link/GN/LINK                                  Link
//	/acct/A/connection/GN/CONNECTION                      Connection
//	/acct/A/link-association/GN/DEVICE/LINK               LinkAssociation
//	/acct/A/customer-gateway-association/GN/ARN           CustomerGatewayAssociation
//	/acct/A/tgw-connect-peer-association/GN/ARN           TransitGatewayConnectPeerAssociation
//	/acct/A/connect-peer-association/GN/PEER              ConnectPeerAssociation
//	/acct/A/tgw-registration/GN/ARN                       TransitGatewayRegistration
//	/acct/A/core-network/CN                               CoreNetwork
//	/acct/A/core-network-policy/CN/VERSION                PolicyVersion, newest first
//	/acct/A/core-network-document/CN/VERSION              PolicyDocument of a version
//	/acct/A/core-network-execution/CN/VERSION             Execution
//	/acct/A/core-network-change/CN/VERSION/CHUNK          ChangeChunk
//	/acct/A/attachment/CN/ATTACHMENT                      Attachment, below the core network's owner
//	/acct/A/peering/CN/PEERING                            Peering, below the core network's owner
//	/acct/A/prefix-list-association/CN/ARN                PrefixListAssociation
//	/acct/A/connect-peer/ATTACHMENT/PEER                  ConnectPeer, below the core network's owner
//	/acct/A/announcements/CN/ID                           AnnouncementSet of an attachment or a Connect peer
//	/acct/A/connect-peer-bgp/CN/PEER                      PeerBGP, the BGP sessions of a Connect peer or a VPN attachment
//	/acct/A/heard-routes/CN/PEER.SHARD                    HeardRoutes, what the peer has advertised
//	/acct/A/routing-generation/CN                         moves with everything the routes depend on
//	/acct/A/routing-generation/CN/NUMBER                  key of the row of each of the last moves
//	/acct/A/published-routes/CN                           PublishedRoutes, up to where routes were published in events
//	/acct/A/published-policy/CN                           PublishedPolicy, what these routes were computed from
//	/acct/A/published-attachment/CN/ATTACHMENT            PublishedAttachment, the same
//	/acct/A/published-change/CN/ATTACHMENT                PublishedChange, how it has changed since
//	/acct/A/external/GN                                   External, what was published of transit gateways and tunnels
//	/acct/A/external-table/GN/ARN                         ExternalTable, the same of a transit gateway route table
//	/acct/A/client-token/OPERATION/TOKEN                  ClientToken
//	/acct/A/route-analysis/GN/ID                          RouteAnalysis
//	/acct/A/resource-metadata/GN/ARN                      ResourceMetadata
//	/acct/A/organization-access                           OrganizationAccess
//	/acct/A/snapshot-import                               SnapshotImport, the file that the account began with
//	/acct/A/last-id                                       number of the last id
//
// Index entries sit in tables of their own name with a dot: /acct/A/device.site/GN/SITE/DEVICE points at a device; the
// number of rows of a table is in one named .count. What other accounts may ask for, or must not have too, is found
// below /id/ID, /resource/ARN, /registered/ARN and /shared/CN, and below /acct/A/attachment.guest and
// /acct/A/peering.guest by who made it. /published/CN finds the routes that were published of any account.
//
// Package lifecycle keeps what is due below /due/, package events what happened below /events and /events.*.
