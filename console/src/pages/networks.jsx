// Networks is what there is: global networks with what is in them, core networks with their state.
import {call, pages} from '../lib/api.js'
import {useInventory} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {A} from '../lib/router.jsx'
import {nameOf, number, time} from '../lib/text.js'
import {Id, Loaded, More, Page, State} from '../ui/basics.jsx'
import {later} from '../ui/later.jsx'
import {useNetworks} from '../app.jsx'

const Map = later('map', () => import('../draw/world.jsx').then((m) => m.SmallWorld))

export function Networks() {
	const networks = useNetworks()
	return <Page title="Networks">
		<Loaded of={networks} what="networks">{({global, core}) => {
			const alone = core.filter((c) => !global.some((g) => g.GlobalNetworkId === c.GlobalNetworkId))
			return <>
				{global.length + core.length === 0 && <div class="panel"><h2>There is no network in this account</h2>
					<p>A global network holds sites, devices, links and core networks. It is created with the API, for example:</p>
					<pre>aws networkmanager create-global-network --description "my network"</pre>
					<p>Networks of another account: choose it at the top.</p></div>}
				{global.map((g) => <Global key={g.GlobalNetworkId} of={g} core={core.filter((c) => c.GlobalNetworkId === g.GlobalNetworkId)} />)}
				{alone.length > 0 && <section class="panel"><h2>Core networks shared with this account</h2><Cores of={alone} /></section>}
			</>
		}}</Loaded>
	</Page>
}

// places are the views of kinds of resources: lists of the inventory, and views of a core network, which lead there where there is one only.
const places = {device: 'devices', site: 'sites', link: 'links', connection: 'connections'}
const within = {'core-network': [], attachment: ['attachments'], 'connect-peer': ['peers'], peering: ['peerings']}

function Global({of: g, core}) {
	const counts = useQuery(`gn ${g.GlobalNetworkId} counts`, () => pages('GetNetworkResourceCounts', {globalNetworkId: g.GlobalNetworkId}, 'NetworkResourceCounts'))
	const to = (kind) => places[kind] ? ['gn', g.GlobalNetworkId, places[kind]] : within[kind] && core.length === 1 ? ['cn', core[0].CoreNetworkId, ...within[kind]] : null
	return <section class="panel">
		<h2><A to={['gn', g.GlobalNetworkId, 'sites']}><bdi>{g.Description || nameOf(g) || g.GlobalNetworkId}</bdi></A> <State of={g.State} /></h2>
		<p class="sub"><Id>{g.GlobalNetworkId}</Id> · created {time(g.CreatedAt)}</p>
		<Cores of={core} />
		<Loaded of={counts} what="inventory">{(list) => list.length === 0 ? <p class="empty">No resources.</p> :
			<ul class="cards" aria-label="Resources">{list.map((c) => <li key={c.ResourceType}><b>{number(c.Count)}</b>
				{to(c.ResourceType) ? <A to={to(c.ResourceType)}>{c.ResourceType}</A> : c.ResourceType}</li>)}</ul>}</Loaded>
		{counts.data && <More summary="Map of edge locations and sites" open={counts.data.reduce((n, c) => n + c.Count, 0) <= many}><Where gn={g.GlobalNetworkId} core={core} /></More>}
	</section>
}

const many = 1000 // resources of a network whose map is loaded once it is asked for: the first view stays small

function Where({gn, core}) {
	const where = useQuery(`gn ${gn} edges ${core.map((c) => c.CoreNetworkId)}`, () => Promise.all(core.map(async (c) => (await call('GetCoreNetwork', {coreNetworkId: c.CoreNetworkId})).CoreNetwork)))
	const sites = useInventory(gn, 'sites')
	return <Loaded of={where} what="map">{(cores) => <Map gn={gn} cores={cores} sites={sites.data ?? []} />}</Loaded>
}

const Cores = ({of}) => of.length === 0 ? <p class="empty">No core network.</p> : <ul class="list">{of.map((c) => <li key={c.CoreNetworkId}>
	<A to={['cn', c.CoreNetworkId]}><bdi>{c.Description || nameOf(c) || c.CoreNetworkId}</bdi></A> <State of={c.State} /> <Id>{c.CoreNetworkId}</Id></li>)}</ul>
