// What views ask for, each under one key, so that views share the answers. Of a core network null nothing is asked.
import {ask, call, control, pages} from './api.js'
import {useQuery} from './query.js'

// useAttachments are all attachments; of a core network null, none. They come page by page.
export const useAttachments = (cn) => useQuery(cn ? `cn ${cn} attachments` : null, ({progress}) => pages('ListAttachments', {coreNetworkId: cn}, 'Attachments', {progress}))

// isWaiting tells of an attachment that waits to be accepted.
export const isWaiting = (a) => waitingStates.includes(a.State)
const waitingStates = ['PENDING_ATTACHMENT_ACCEPTANCE', 'PENDING_TAG_ACCEPTANCE']

export const useWaiting = (cn) => useQuery(`cn ${cn} waiting`, async () => (await Promise.all(waitingStates.map((state) => pages('ListAttachments', {coreNetworkId: cn, state}, 'Attachments')))).flat())

export const useCoreNetwork = (cn) => useQuery(`cn ${cn} itself`, async () => (await call('GetCoreNetwork', {coreNetworkId: cn})).CoreNetwork)

// useGraph is the network to be drawn with how many attachments there are in each place, useGraphOf with each of them.
export const useGraph = (cn) => useQuery(cn && `cn ${cn} graph`, () => ask(cn, 'graph', {format: 'json', count: 'true'}))
export const useGraphOf = (cn) => useQuery(`cn ${cn} graphof`, () => ask(cn, 'graph', {format: 'json'}))

// placesOf are the segments and network function groups of a graph.
export const placesOf = (graph) => [...graph.segments.map((s) => ({...s, kind: 'segment'})), ...graph.networkFunctionGroups.map((g) => ({...g, kind: 'group'}))]

// attachedTo is how many attachments a place has.
export const attachedTo = (place) => Object.values(place.attached ?? {}).reduce((a, b) => a + b, 0)

export const usePeers = (cn) => useQuery(`cn ${cn} peers`, () => pages('ListConnectPeers', {coreNetworkId: cn}, 'ConnectPeers'))

// useSessions are the BGP sessions of a core network. A server that holds none answers with an error that says so.
export const useSessions = (cn) => useQuery(`cn ${cn} bgp`, async () => (await control('GET', 'bgp/sessions', {query: {'core-network': cn}})).sessions)

export const useVersions = (cn) => useQuery(cn && `cn ${cn} versions`, () => pages('ListCoreNetworkPolicyVersions', {coreNetworkId: cn}, 'CoreNetworkPolicyVersions'))

// useLive is the version of the policy in force: undefined while it is not known, null where there is none.
export function useLive(cn) {
	const {data} = useVersions(cn)
	return data && (data.find((v) => v.Alias === 'LIVE') ?? null)
}

export const useLabels = (cn) => useQuery(`cn ${cn} labels`, () => pages('ListAttachmentRoutingPolicyAssociations', {coreNetworkId: cn}, 'AttachmentRoutingPolicyAssociations'))

// usePolicy is a version of the policy, or the one with the alias LIVE or LATEST.
export const usePolicy = (cn, version) => useQuery(version ? `cn ${cn} policy ${version}` : null, async () => {
	const params = /^\d+$/.test(version) ? {policyVersionId: version} : {alias: version}
	return (await call('GetCoreNetworkPolicy', {coreNetworkId: cn, ...params})).CoreNetworkPolicy
})

export const useDoctor = (cn) => useQuery(cn && `cn ${cn} doctor`, () => ask(cn, 'doctor'))

// inventory are the lists of a global network: operation and the name of its list.
export const inventory = {
	sites: ['GetSites', 'Sites'],
	devices: ['GetDevices', 'Devices'],
	links: ['GetLinks', 'Links'],
	connections: ['GetConnections', 'Connections'],
	'link-associations': ['GetLinkAssociations', 'LinkAssociations'],
	'connect-peer-associations': ['GetConnectPeerAssociations', 'ConnectPeerAssociations'],
	'customer-gateways': ['GetCustomerGatewayAssociations', 'CustomerGatewayAssociations'],
	'transit-gateways': ['GetTransitGatewayRegistrations', 'TransitGatewayRegistrations'],
}

export const useInventory = (gn, what) => useQuery(gn ? `gn ${gn} ${what}` : null, ({progress}) => {
	const [operation, list] = inventory[what]
	return pages(operation, {globalNetworkId: gn}, list, {progress})
})
