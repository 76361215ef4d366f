// Routes is one route table, or all it is offered, with the reason under each row.
import {useMemo} from 'preact/hooks'
import {ask} from '../lib/api.js'
import {placesOf, useGraph} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {tableLink} from '../lib/tables.js'
import {number, withNames} from '../lib/text.js'
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

const most = 2000 // routes of a table whose candidates are listed; of a larger one they are under each row

function byPrefix(a, b) {
	const key = (p) => {
		const [addr, bits] = p.split('/')
		return addr.includes(':') ? 'z' + addr.split(':').map((x) => x.padStart(4, '0')).join(':') + bits.padStart(3, '0') : addr.split('.').map((x) => x.padStart(3, '0')).join('.') + bits.padStart(3, '0')
	}
	const [x, y] = [key(a), key(b)]
	return x < y ? -1 : x > y ? 1 : 0
}

// Tables are all route tables, to choose one.
function Tables({cn, places, edge}) {
	const rows = useMemo(() => places.flatMap((p) => p.edges.filter((e) => !edge || e === edge).map((e) => ({place: p, edge: e, id: `${p.kind === 'group' ? 'nfg:' : ''}${p.name}@${e}`}))), [places, edge])
	const columns = useMemo(() => [
		{name: 'table', title: 'Route table', text: (t) => t.id, cell: (t) => <A {...tableLink(cn, t.id)}>{t.id}</A>},
		{name: 'place', title: 'Segment or group', text: (t) => t.place.name},
		{name: 'kind', title: 'Kind', text: (t) => t.place.kind === 'group' ? 'network function group' : 'segment'},
		{name: 'edge', title: 'Edge location', text: (t) => t.edge},
		{name: 'attached', title: 'Attachments there', text: (t) => t.place.attached?.[t.edge] ?? 0},
	], [cn])
	return <Table name="tables" caption="Route tables" columns={columns} rows={rows} keyOf={(t) => t.id} />
}

export function Routes({parts: [, cn], params}) {
	const graph = useGraph(cn)
	const places = useMemo(() => graph.data ? placesOf(graph.data) : [], [graph.data])
	const wanted = params.group ? {kind: 'group', name: params.group} : {kind: 'segment', name: params.segment}
	const place = places.find((p) => p.kind === wanted.kind && p.name === wanted.name) ?? (wanted.name ? places.find((p) => p.name === wanted.name) : places[0])
	const edge = params.edge || place?.edges[0]
	const offered = params.rib === 'true'
	const overview = !wanted.name && !params.find && !params.why
	const table = place && !overview && {[place.kind === 'group' ? 'network-function-group' : 'segment']: place.name, edge}
	const routesOf = (rib) => async () => (await ask(cn, 'routes', {...table, rib: rib ? 'true' : ''})).map((r, i) => ({...r, key: rib ? r.prefix + ' ' + i : r.prefix}))
	const inUse = useQuery(table ? `cn ${cn} routes ${JSON.stringify(table)}` : null, routesOf(false))
	const large = inUse.data?.length > most
	const all = useQuery(table && offered && inUse.data && !large ? `cn ${cn} rib ${JSON.stringify(table)}` : null, routesOf(true))
	const [rows, columns] = offered && !large && inUse.data ? [all, rib] : [inUse, fib]
	const choose = (v) => {
		const [param, name] = [v.slice(0, v.indexOf(' ')), v.slice(v.indexOf(' ') + 1)]
		const next = places.find((p) => p.kind === param && p.name === name)
		setParams({segment: '', group: '', [param]: name, edge: next?.edges.includes(edge) ? edge : '', why: ''})
	}
	return <Page title="Routes" sub="Choose a table; open a row of it to see every candidate of its prefix: where it came from, what happened on the way, and which criterion decided.">
		<Loaded of={graph} what="tables">{() => places.length === 0 ? <p class="empty">The policy has no segments.</p> : overview ? <Tables cn={cn} places={places} edge={params.edge} /> : <>
			<div class="filters">
				<Choice label="Segment or group" value={place && `${place.kind} ${place.name}`} options={places.map((p) => [`${p.kind} ${p.name}`, p.kind === 'group' ? `${p.name} (network function group)` : p.name])} onChange={choose} />
				<Choice label="Edge location" value={edge} options={place?.edges ?? []} onChange={(edge) => setParams({edge, why: ''})} />
				<Choice label="Shown" value={offered ? 'true' : ''} options={[['', 'Routes in use (FIB)'], ['true', 'All that is offered (RIB)']]} onChange={(rib) => setParams({rib, why: ''})} />
			</div>
			{!place && <p class="failure" role="alert">There is no segment or network function group of this name.</p>}
			{params.why && rows.data && !rows.data.some((r) => r.prefix === params.why) && table && <section class="panel"><h2>{params.why}</h2><Why cn={cn} table={table} prefix={params.why} /></section>}
			{offered && large && <p class="hint">The table has {number(inUse.data.length)} routes: open one for all that is offered of its prefix.</p>}
			{place && <Loaded of={rows} what="routes">{(list) => <Table name={`routes-${place.name}-${edge}`} caption={`Routes of ${place.name} at ${edge}`} columns={columns} rows={list} keyOf={(r) => r.key}
				initial={params.find} onFilter={(find) => setParams({find})} openKey={list.find((r) => r.key === params.why || r.prefix === params.why)?.key} onOpen={(key) => setParams({why: key})}
				detail={(r) => <Why cn={cn} table={table} prefix={r.prefix} key={r.prefix} />} empty="The table has no routes." />}</Loaded>}
		</>}</Loaded>
	</Page>
}
