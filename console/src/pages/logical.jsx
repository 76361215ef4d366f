// Logical is what the policy says of segments: what is shared, what is inspected and how.
import {useMemo} from 'preact/hooks'
import {LogicalPicture} from '../draw/logical.jsx'
import {useGraph} from '../lib/data.js'
import {A} from '../lib/router.jsx'
import {Loaded, Page} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function Logical({parts: [, cn]}) {
	const graph = useGraph(cn)
	const rows = useMemo(() => graph.data ? [
		...graph.data.shares.map((s) => ({kind: 'share', from: s.from, to: s.to, group: '', mode: '', path: ''})),
		...graph.data.inspections.map((i) => ({kind: i.action, from: i.segment, to: i.with ?? '', group: i.networkFunctionGroup, mode: i.mode ?? '', path: i.path ?? ''})),
	].map((r, i) => ({...r, i})) : [], [graph.data])
	const columns = useMemo(() => [
		{name: 'kind', title: 'Kind', text: (r) => r.kind},
		{name: 'from', title: 'Segment', text: (r) => r.from},
		{name: 'to', title: 'With', text: (r) => r.to},
		{name: 'group', title: 'Network function group', text: (r) => r.group},
		{name: 'mode', title: 'Hop mode', text: (r) => r.mode},
		{name: 'path', title: 'Policy', text: (r) => r.path, cell: (r) => r.path && <A to={['cn', cn, 'edit']} params={{path: r.path}}>{r.path}</A>},
	], [cn])
	return <Page title="Logical view" sub="Dashed lines are shares, lines through a network function group are inspected.">
		<Loaded of={graph} what="segments">{(g) => <>
			<LogicalPicture cn={cn} graph={g} />
			{g.segments.some((s) => s.denyFilter?.length || s.allowFilter?.length) && <section class="panel"><h2>Filters</h2><ul>
				{g.segments.filter((s) => s.denyFilter?.length).map((s) => <li key={s.name}><bdi>{s.name}</bdi> refuses shared routes of <bdi>{s.denyFilter.join(', ')}</bdi></li>)}
				{g.segments.filter((s) => s.allowFilter?.length).map((s) => <li key={'a' + s.name}><bdi>{s.name}</bdi> takes shared routes of <bdi>{s.allowFilter.join(', ')}</bdi> only</li>)}</ul></section>}
			<h2>As a table</h2>
			<Table name="logical" caption="Shares and inspections" columns={columns} rows={rows} keyOf={(r) => r.i} empty="Nothing is shared or inspected." />
		</>}</Loaded>
	</Page>
}
