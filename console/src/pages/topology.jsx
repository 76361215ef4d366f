// Topology is edges by segments by attachments, as a picture and as a table.
import {useMemo} from 'preact/hooks'
import {placesOf, useAttachments, useGraph, useGraphOf} from '../lib/data.js'
import {A, setParams} from '../lib/router.jsx'
import {layout} from '../draw/grid.js'
import {nameOf} from '../lib/text.js'
import {Tree} from './tree.jsx'
import {TopologyPicture} from '../draw/topology.jsx'
import {Choice, Loaded, Page} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function Topology({parts: [, cn], params}) {
	const counted = useGraph(cn)
	const graph = useGraphOf(cn)
	const attachments = useAttachments(cn)
	const accounts = useMemo(() => new Map(attachments.data?.map((a) => [a.AttachmentId, a.OwnerAccountId])), [attachments.data])
	const names = useMemo(() => new Map(attachments.data?.map((a) => [a.AttachmentId, nameOf(a)])), [attachments.data])
	const tree = params.view === 'tree'
	const match = useMemo(() => params.label || params.holder || params.type ? (a) =>
		(!params.label || a.routingPolicyLabel === params.label) && (!params.holder || accounts.get(a.id) === params.holder) && (!params.type || a.type === params.type) : undefined, [params.label, params.holder, params.type, accounts])
	const grid = useMemo(() => (graph.data ?? counted.data) && layout(graph.data ?? counted.data, {row: params.row, edge: params.edge, match, names}), [graph.data, counted.data, names, params.row, params.edge, match])
	const rows = useMemo(() => graph.data?.attachments?.filter((a) => (!match || match(a)) && (!params.edge || a.edges.includes(params.edge)) && (!params.row || a.segment === params.row || a.networkFunctionGroup === params.row)) ?? [], [graph.data, match, params.edge, params.row])
	const columns = useMemo(() => [
		{name: 'place', title: 'Segment or group', text: (a) => a.segment || a.networkFunctionGroup || ''},
		{name: 'edge', title: 'Edge location', text: (a) => a.edges.join(', ')},
		{name: 'id', title: 'Attachment', text: (a) => a.id, cell: (a) => <A to={['cn', cn, 'attachments']} params={{open: a.id}}>{a.id}</A>},
		{name: 'name', title: 'Name', text: (a) => names.get(a.id)},
		{name: 'type', title: 'Type', text: (a) => a.type},
		{name: 'label', title: 'Label', text: (a) => a.routingPolicyLabel},
		{name: 'down', title: 'Works', text: (a) => a.down ? 'no' : 'yes'},
		{name: 'account', title: 'Account', text: (a) => accounts.get(a.id)},
	], [cn, accounts, names])
	const values = (f) => [...new Set(graph.data?.attachments?.map(f).filter(Boolean))].sort()
	return <Page title="Topology">
		<Loaded of={graph.data || graph.error ? graph : counted} what="topology">{(g) => <>
			<div class="filters">
				<Choice label="Shown as" value={params.view ?? ''} options={[['', 'a picture'], ['tree', 'a tree']]} onChange={(view) => setParams({view})} />
				<Choice label="Segment or group" any="All" value={params.row} options={placesOf(g).map((s) => s.name)} onChange={(row) => setParams({row})} />
				<Choice label="Edge location" any="All" value={params.edge} options={g.edges.map((e) => e.location)} onChange={(edge) => setParams({edge})} />
				<Choice label="Type" any="All" value={params.type} options={values((a) => a.type)} onChange={(type) => setParams({type})} />
				<Choice label="Account" any="All" value={params.holder} options={[...new Set(accounts.values())].sort()} onChange={(holder) => setParams({holder})} />
				<Choice label="Label" any="All" value={params.label} options={values((a) => a.routingPolicyLabel)} onChange={(label) => setParams({label})} />
			</div>
			{!tree ? <TopologyPicture cn={cn} grid={grid} /> : graph.data && <Tree cn={cn} graph={graph.data} shown={match} names={names} row={params.row} edge={params.edge} />}
			<h2>As a table</h2>
			{!graph.data ? <p class="loading" role="status">Loading attachments…</p> : <Table name="topology" caption="Attachments by segment and edge location" columns={columns} rows={rows} keyOf={(a) => a.id} empty="Nothing is associated." />}
		</>}</Loaded>
	</Page>
}
