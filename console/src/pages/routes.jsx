// Routes is one route table, or all it is offered, with the reason under each row.
import {useMemo} from 'preact/hooks'
import {ask} from '../lib/api.js'
import {useGraph} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {withNames} from '../lib/text.js'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'
import {Why} from '../ui/why.jsx'

const fib = [
	{name: 'prefix', title: 'Prefix', text: (r) => r.prefix, cell: (r) => <code>{r.prefix}</code>, sort: (a, b) => byPrefix(a.prefix, b.prefix)},
	{name: 'type', title: 'Type', text: (r) => r.type},
	{name: 'state', title: 'State', text: (r) => r.state, cell: (r) => <State of={r.state} />},
	{name: 'to', title: 'Destinations', text: (r) => withNames(r.destinations.join(', '), r.names) || 'blackhole'},
	{name: 'aspath', title: 'AS path', text: (r) => (r.asPath ?? []).join(' ')},
	{name: 'med', title: 'MED', text: (r) => r.med},
	{name: 'pref', title: 'Local pref.', text: (r) => r.localPreference},
	{name: 'comm', title: 'Communities', text: (r) => (r.communities ?? []).join(' ')},
	{name: 'origin', title: 'Origin', text: (r) => withNames(r.origin, r.names)},
]
const rib = [...fib.slice(0, 1), {name: 'best', title: 'Selected', text: (r) => r.best ? 'yes' : '', cell: (r) => r.best && <State of="yes">best path</State>}, ...fib.slice(3)]

function byPrefix(a, b) {
	const key = (p) => {
		const [addr, bits] = p.split('/')
		return addr.includes(':') ? 'z' + addr.split(':').map((x) => x.padStart(4, '0')).join(':') + bits.padStart(3, '0') : addr.split('.').map((x) => x.padStart(3, '0')).join('.') + bits.padStart(3, '0')
	}
	const [x, y] = [key(a), key(b)]
	return x < y ? -1 : x > y ? 1 : 0
}

export function Routes({parts: [, cn], params}) {
	const graph = useGraph(cn)
	const places = graph.data ? [...graph.data.segments.map((s) => ({...s, param: 'segment'})), ...graph.data.networkFunctionGroups.map((s) => ({...s, param: 'group'}))] : []
	const wanted = params.group ? {param: 'group', name: params.group} : {param: 'segment', name: params.segment}
	const place = places.find((p) => p.param === wanted.param && p.name === wanted.name) ?? (wanted.name ? places.find((p) => p.name === wanted.name) : places[0])
	const edge = params.edge || place?.edges[0]
	const offered = params.rib === 'true'
	const table = place && {[place.param === 'group' ? 'network-function-group' : 'segment']: place.name, edge}
	const rows = useQuery(table ? `cn ${cn} routes ${JSON.stringify(table)} ${offered}` : null, async () =>
		(await ask(cn, 'routes', {...table, rib: offered ? 'true' : ''})).map((r, i) => ({...r, key: offered ? r.prefix + ' ' + i : r.prefix})))
	const choose = (v) => {
		const [param, name] = [v.slice(0, v.indexOf(' ')), v.slice(v.indexOf(' ') + 1)]
		const next = places.find((p) => p.param === param && p.name === name)
		setParams({segment: '', group: '', [param]: name, edge: next?.edges.includes(edge) ? edge : '', why: ''})
	}
	return <Page title="Routes" sub="Open a row to see every candidate of its prefix: where it came from, what happened on the way, and which criterion decided.">
		<Loaded of={graph} what="tables">{() => places.length === 0 ? <p class="empty">The policy has no segments.</p> : <>
			<div class="filters">
				<Choice label="Segment or group" value={place && `${place.param} ${place.name}`} options={places.map((p) => [`${p.param} ${p.name}`, p.param === 'group' ? `${p.name} (network function group)` : p.name])} onChange={choose} />
				<Choice label="Edge location" value={edge} options={place?.edges ?? []} onChange={(edge) => setParams({edge, why: ''})} />
				<Choice label="Shown" value={offered ? 'true' : ''} options={[['', 'Routes in use (FIB)'], ['true', 'All that is offered (RIB)']]} onChange={(rib) => setParams({rib, why: ''})} />
			</div>
			{!place && <p class="failure" role="alert">There is no segment or network function group of this name.</p>}
			{params.why && rows.data && !rows.data.some((r) => r.prefix === params.why) && table && <section class="panel"><h2>{params.why}</h2><Why cn={cn} table={table} prefix={params.why} /></section>}
			{place && <Loaded of={rows} what="routes">{(list) => <Table name={`routes-${place.name}-${edge}`} caption={`Routes of ${place.name} at ${edge}`} columns={offered ? rib : fib} rows={list} keyOf={(r) => r.key}
				initial={params.find} onFilter={(find) => setParams({find})} openKey={list.find((r) => r.key === params.why || r.prefix === params.why)?.key} onOpen={(key) => setParams({why: key})}
				detail={(r) => <Why cn={cn} table={table} prefix={r.prefix} key={r.prefix} />} empty="The table has no routes." />}</Loaded>}
		</>}</Loaded>
	</Page>
}
