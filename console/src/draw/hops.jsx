// HopPicture draws what happens one after the other: a column for each edge location, a row for each step, a line from each
// step to the next. Columns come closer where there is little room: there is one step in a row. The way of a packet and the way of a route are drawn by it.
import {useRef} from 'preact/hooks'
import {A} from '../lib/router.jsx'
import {tableLink, tableOf} from '../lib/tables.js'
import {clip, withNames} from '../lib/text.js'
import {Picture} from '../ui/picture.jsx'
import {useRoom} from '../ui/room.js'

const wide = 220, high = 44, most = 240, least = 96, down = 70, top = 34, left = 10

// steps are {edge, kind, text, note, detail, to, params}: kind is a class of the style, to and params are the view that a step leads to,
// detail is in the list beside the picture only.
export function HopPicture({name, title, steps}) {
	const place = useRef()
	const room = useRoom(place)
	const edges = [...new Set(steps.map((s) => s.edge))]
	const across = edges.length > 1 ? Math.max(least, Math.min(most, Math.floor(((room ?? 0) - wide - 2 * left - 2) / (edges.length - 1)))) : most
	const x = (s) => left + edges.indexOf(s.edge) * across, y = (i) => top + i * down
	return <div ref={place}>{room && <Picture name={name} title={title} width={(edges.length - 1) * across + wide + 2 * left} height={top + steps.length * down - (down - high) + 10}>
		{edges.map((e, i) => <text key={e} class="strong" x={left + i * across} y={20}>{e}</text>)}
		{steps.slice(1).map((s, i) => <path key={i} class={s.kind === 'lost' ? 'to' : 'hop'} d={`M${x(steps[i]) + wide / 2} ${y(i) + high}v${(down - high) / 2}H${x(s) + wide / 2}v${(down - high) / 2 - 1}m-4 -6l4 6l4 -6`} />)}
		{steps.map((s, i) => <Step key={i} of={s} x={x(s)} y={y(i)} />)}
	</Picture>}</div>
}

function Step({of: s, x, y}) {
	const box = <>
		<rect class={s.kind} x={x} y={y} width={wide} height={high} rx={5} />
		<text class="strong" x={x + 10} y={y + 18}><title>{s.text}</title>{clip(s.text, 28)}</text>
		<text class="note" x={x + 10} y={y + 35}><title>{s.note}</title>{clip(s.note, 36)}</text>
	</>
	return s.to ? <A to={s.to} params={s.params}>{box}</A> : box
}

// Hops are steps as a picture and as a list.
export function Hops({name, title, steps}) {
	return <>
		<HopPicture name={name} title={title} steps={steps} />
		<ol class="hops" aria-label={`Hops of the ${title.toLowerCase()}`}>
			{steps.map((s, i) => <li key={i} class={{lost: 'bad', grp: 'inspect'}[s.kind]}>{s.edge}: {s.to ? <A to={s.to} params={s.params}><bdi>{s.text}</bdi></A> : <strong><bdi>{s.text}</bdi></strong>} <bdi>{s.note}</bdi>{s.detail && <> → <bdi>{s.detail}</bdi></>}</li>)}
		</ol>
	</>
}

// stepsOfWay are the steps of a packet: where it enters, every look-up with the appliance it leads to, and how it ends.
export function stepsOfWay(cn, way, names) {
	const name = (id) => names?.[id] ?? id
	const attachment = (id) => ({to: ['cn', cn, 'attachments'], params: {open: id}})
	const steps = [{edge: way.edge, kind: 'seg', text: name(way.from), note: way.source ? `sent from ${way.source}` : way.from, ...attachment(way.from)}]
	const visits = [...way.inspections]
	const visit = (v) => steps.push({edge: v.edge, kind: 'grp', text: v.networkFunctionGroup, note: `inspected by ${name(v.attachment)}`, ...attachment(v.attachment)})
	for (const h of way.hops) {
		const lost = !h.prefix || h.state === 'BLACKHOLE'
		steps.push({edge: tableOf(h.table).edge, kind: lost ? 'lost' : 'box', text: h.table, note: !h.prefix ? `no route to ${h.destination}` : lost ? `${h.prefix}: blackhole` : h.prefix, detail: [withNames(h.destinations?.join(', '), names), h.source && (h.source !== way.source || h.destination !== way.to) && `translated: ${h.source} to ${h.destination}`].filter(Boolean).join('; '), ...tableLink(cn, h.table, h.prefix || h.destination)})
		if (visits.length && h.destinations?.[0]?.includes(visits[0].attachment)) visit(visits.shift())
	}
	visits.forEach(visit)
	const {edge} = steps.at(-1)
	steps.push(way.at ? {edge, kind: way.verdict === 'delivered' ? 'fresh' : 'lost', text: name(way.at), note: `${way.verdict}: ${way.arrivesAt || way.to}`, ...attachment(way.at)} :
		{edge, kind: way.verdict === 'handed over' ? 'grp' : 'lost', text: way.verdict, note: withNames(way.reason, names)})
	return steps
}

// stepsOfRoute are the steps of a route on its way.
export const stepsOfRoute = (steps, edge, names) => steps.map((s) => ({
	edge: s.edge || edge, kind: s.dropped ? 'lost' : s.routingPolicy ? 'grp' : s.kind === 'announced' ? 'seg' : 'box',
	text: s.routingPolicy ? `${s.routingPolicy} rule ${s.ruleNumber}: ${s.action}` : s.segment ? `${s.kind}, ${s.segment}` : s.kind, note: withNames(s.detail, names) ?? '',
}))

// stepsOfCandidate are the steps of a candidate for a table, and what became of it there.
export function stepsOfCandidate(candidate, table, names) {
	const {edge} = tableOf(table)
	return [...stepsOfRoute(candidate.steps, edge, names),
		{edge, kind: candidate.outcome.startsWith('selected') ? 'fresh' : 'lost', text: `${candidate.outcome} in ${table}`, note: withNames(candidate.decidedBy || candidate.detail || '', names)}]
}
