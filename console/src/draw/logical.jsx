// LogicalPicture draws segments on both sides, groups between them: a line from segment to segment is a share, one through a
// group is an inspection with its hop mode.
import {A} from '../lib/router.jsx'
import {clip} from '../lib/text.js'
import {Picture} from '../ui/picture.jsx'

const wide = 170, high = 40, gap = 14, across = 200, most = 80

export function LogicalPicture({cn, graph, name = 'logical', title = 'Logical view', marks}) {
	const side = graph.segments.map((s, i) => ({...s, y: 40 + i * (high + gap)}))
	const groups = graph.networkFunctionGroups.map((g, i) => ({...g, y: 40 + (graph.networkFunctionGroups.length ? i * Math.max(high + gap, (side.length * (high + gap)) / graph.networkFunctionGroups.length) : 0)}))
	const at = new Map([...side.map((s) => ['s ' + s.name, s.y + high / 2]), ...groups.map((g) => ['g ' + g.name, g.y + high / 2])])
	const height = 60 + Math.max(side.length * (high + gap), ...groups.map((g) => g.y + high + gap))
	const left = 20, middle = left + wide + across, right = middle + wide + across
	const curve = (x1, y1, x2, y2) => `M${x1} ${y1}C${x1 + 80} ${y1} ${x2 - 80} ${y2} ${x2} ${y2}`
	const drawn = graph.inspections.slice(0, most), shares = graph.shares.slice(0, most)
	const undrawn = graph.inspections.length + graph.shares.length - drawn.length - shares.length
	return <Picture name={name} title={title} width={right + wide + 20} height={height}>
		<text class="note" x={left} y={24}>from</text><text class="note" x={middle} y={24}>through</text><text class="note" x={right} y={24}>to</text>
		{shares.map((s) => <path key={s.from + '\n' + s.to} class="share" d={curve(left + wide, at.get('s ' + s.from), right, at.get('s ' + s.to))}><title>{`share: ${s.from} – ${s.to}`}</title></path>)}
		{drawn.map((i, n) => {
			const from = at.get('s ' + i.segment), through = at.get('g ' + i.networkFunctionGroup), shift = (n % 7) * 4 - 12
			return <g key={n}>
				<path class={i.action === 'send-to' ? 'to' : 'via'} d={curve(left + wide, from, middle, through + shift)}><title>{`${i.action}: ${i.segment} via ${i.networkFunctionGroup} ${i.mode ?? ''}`}</title></path>
				{i.with && <path class="via" d={curve(middle + wide, through + shift, right, at.get('s ' + i.with))}><title>{`${i.action}: ${i.networkFunctionGroup} to ${i.with} ${i.mode ?? ''}`}</title></path>}
			</g>
		})}
		{side.map((s) => [left, right].map((x) => <Box key={s.name + x} cn={cn} x={x} of={s} kind="seg" note={s.isolated ? 'isolated' : ''} mark={marks?.('segment ' + s.name)} />))}
		{groups.map((g) => <Box key={g.name} cn={cn} x={middle} of={g} kind="grp" mark={marks?.('group ' + g.name)}
			note={[...new Set(graph.inspections.filter((i) => i.networkFunctionGroup === g.name).map((i) => i.mode || i.action))].join(', ')} />)}
		{undrawn > 0 && <text class="note badtext" x={left} y={height - 8}>{undrawn} more lines are in the table only</text>}
	</Picture>
}

function Box({cn, x, of, kind, note, mark}) {
	const box = <>
		<rect class={mark || kind} x={x} y={of.y} width={wide} height={high} rx={6} />
		<text class="strong" x={x + 10} y={of.y + (note || mark ? 17 : 24)}><title>{of.name}</title>{clip(of.name, 20)}</text>
		{(note || mark) && <text class="note" x={x + 10} y={of.y + 32}>{mark === 'lost' ? 'removed' : mark === 'fresh' ? 'added' : note}</text>}
	</>
	return cn ? <A to={['cn', cn, 'topology']} params={{row: of.name}}>{box}</A> : box
}
