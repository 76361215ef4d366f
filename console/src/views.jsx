// The views and their addresses.
import {Attachments} from './pages/attachments.jsx'
import {ConnectPeer} from './pages/peer.jsx'
import {ConnectPeers} from './pages/peers.jsx'
import {CoreNetwork} from './pages/core-network.jsx'
import {Doctor} from './pages/doctor.jsx'
import {Events} from './pages/events.jsx'
import {Inventory} from './pages/inventory.jsx'
import {later} from './ui/later.jsx'
import {Matrix} from './pages/matrix.jsx'
import {Monitoring} from './pages/monitoring.jsx'
import {Networks} from './pages/networks.jsx'
import {Page} from './ui/basics.jsx'
import {Path} from './pages/path.jsx'
import {Peerings} from './pages/peerings.jsx'
import {Policies} from './pages/policies.jsx'
import {PolicyVersion} from './pages/policy-version.jsx'
import {Compare} from './pages/compare.jsx'
import {Routes} from './pages/routes.jsx'
import {RouteAnalyzer} from './pages/analyzer.jsx'
import {Topology} from './pages/topology.jsx'
import {Logical} from './pages/logical.jsx'
import {Nat} from './pages/nat.jsx'
import {WhatIf} from './pages/what-if.jsx'
import {Assertions} from './pages/assertions.jsx'

const Editor = later('policy editor', () => import('./edit/editor-page.jsx').then((m) => m.EditorPage))
const WorldMap = later('map', () => import('./pages/map.jsx').then((m) => m.WorldMap))

// coreNetworkViews are the views of a core network, in the order of the navigation. Those of control show what control calls answer.
export const coreNetworkViews = [
	['See', [
		{path: [], title: 'Overview', View: CoreNetwork},
		{path: ['topology'], title: 'Topology', View: Topology, control: true},
		{path: ['logical'], title: 'Logical view', View: Logical, control: true},
		{path: ['map'], title: 'Map', View: WorldMap},
		{path: ['attachments'], title: 'Attachments', View: Attachments},
		{path: ['peers'], title: 'Connect peers', View: ConnectPeers},
		{path: ['peerings'], title: 'Peerings', View: Peerings},
		{path: ['nat'], title: 'NAT', View: Nat},
		{path: ['monitoring'], title: 'Monitoring', View: Monitoring},
	]],
	['Ask', [
		{path: ['routes'], title: 'Routes', View: Routes, control: true},
		{path: ['path'], title: 'Path', View: Path, control: true},
		{path: ['matrix'], title: 'Reachability', View: Matrix, control: true},
		{path: ['doctor'], title: 'Health checks', View: Doctor, control: true},
		{path: ['what-if'], title: 'What if', View: WhatIf, control: true},
		{path: ['assertions'], title: 'Assertions', View: Assertions, control: true},
	]],
	['Change', [
		{path: ['policy'], title: 'Policy versions', View: Policies},
		{path: ['compare'], title: 'Compare policies', View: Compare, control: true},
		{path: ['edit'], title: 'Policy editor', View: Editor, control: true},
	]],
]

const none = () => <Page title="No such view"><p>There is nothing at this address.</p></Page>

// viewOf finds the view of an address.
export function viewOf(parts) {
	const [kind, id, ...rest] = parts
	if (!kind) return {View: Networks, title: 'Networks'}
	if (kind === 'events' && !id) return {View: Events, title: 'Events'}
	if (kind === 'gn' && id && rest[0] === 'analyzer' && rest.length === 1) return {View: RouteAnalyzer, title: 'Route Analyzer'}
	if (kind === 'gn' && id && rest.length <= 2) return {View: Inventory, title: 'Inventory'}
	if (kind !== 'cn' || !id) return {View: none, title: ''}
	if (rest[0] === 'policy' && rest.length === 2) return {View: PolicyVersion, title: 'Policy version ' + rest[1]}
	if (rest[0] === 'peers' && rest.length === 2) return {View: ConnectPeer, title: 'Connect peer'}
	for (const [, views] of coreNetworkViews) {
		for (const v of views) if ((v.path[0] ?? '') === (rest[0] ?? '') && rest.length <= 1) return v
	}
	return {View: none, title: ''}
}
