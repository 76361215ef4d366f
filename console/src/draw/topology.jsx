// TopologyPicture draws segments and groups by edges, with what is attached and what is shared and inspected.
import {A} from '../lib/router.jsx'
import {clip} from '../lib/text.js'
import {Picture} from '../ui/picture.jsx'
import {cellWide, line, nameWide, pad} from './grid.js'

const classes = {share: 'share', 'send-via': 'via', 'send-to': 'to'}

export function TopologyPicture({cn, grid, name = 'topology', title = 'Topology', marks}) {
	const bottom = grid.height - 12
	return <Picture name={name} title={title} width={grid.width} height={grid.height}>
		{grid.edges.map((e) => <g key={e.location}>
			<text class="strong" x={e.x} y={18}>{e.location}</text><text class="note" x={e.x} y={34}>AS {e.asn}</text></g>)}
		{grid.links.map((l, i) => <path key={i} class={classes[l.kind]} d={l.path}><title>{`${l.kind}: ${l.from} – ${l.to}`}</title></path>)}
		{grid.rows.map((r) => <g key={r.key}>
			<RowName cn={cn} of={r} x={grid.left - nameWide + pad} mark={marks?.(r.key)} />
			{r.cells.map((c) => <g key={c.edge}>
				<rect class={!c.present ? 'nope' : r.kind === 'group' ? 'grp' : 'seg'} x={c.x} y={r.top} width={cellWide} height={r.high} rx={4} />
				{c.lines.map((l, i) => <CellLine key={i} cn={cn} of={l} x={c.x + pad} y={r.top + pad + (i + 1) * line - 4} />)}
			</g>)}
		</g>)}
		<g transform={`translate(12 ${bottom - 8})`}>
			{[['share', 'share'], ['via', 'send-via'], ['to', 'send-to']].map(([c, text], i) => <g key={c}><path class={c} d={`M${i * 92} 0h24`} /><text class="note" x={i * 92 + 28} y={4}>{text}</text></g>)}
			{grid.undrawn > 0 && <text class="note badtext" x={290} y={4}>{grid.undrawn} more lines are in the table only</text>}
		</g>
	</Picture>
}

function RowName({cn, of: r, x, mark}) {
	const text = <><title>{r.name}</title>{clip(r.name, 18)}</>
	return <>
		{cn ? <A to={['cn', cn, 'attachments']} params={{segment: r.name}}><text class="strong" x={x} y={r.top + pad + line - 4}>{text}</text></A> : <text class="strong" x={x} y={r.top + pad + line - 4}>{text}</text>}
		<text class={'note' + (mark === 'lost' ? ' badtext' : '')} x={x} y={r.top + pad + 2 * line - 4}>{mark === 'lost' ? 'removed' : mark === 'fresh' ? 'added' : r.kind === 'group' ? 'network function group' : r.isolated ? 'segment, isolated' : 'segment'}</text>
	</>
}

function CellLine({cn, of: l, x, y}) {
	const text = <text x={x} y={y} class={l.down ? 'badtext' : undefined}>{l.whole && <title>{l.whole}</title>}{l.text}</text>
	return l.id && cn ? <A to={['cn', cn, 'attachments']} params={{open: l.id}}>{text}</A> : text
}
