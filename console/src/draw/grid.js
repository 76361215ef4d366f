// Where the parts of the topology picture are: a row for each segment and group, a column for each edge, attachments in the
// cells. Its size grows with rows times edges, not with attachments.

import {placesOf} from '../lib/data.js'
import {clip} from '../lib/text.js'

export const cellWide = 190, nameWide = 170, lane = 10, headHigh = 48, pad = 8, line = 16, listed = 4, most = 400

const short = {'site-to-site-vpn': 'vpn', 'direct-connect-gateway': 'dx', 'transit-gateway-route-table': 'tgw'}

// layout places a graph: with its attachments, or with how many there are. filter has row, edge, match(attachment), and
// names of attachments by id, each optional.
export function layout(graph, filter = {}) {
	const edges = graph.edges.filter((e) => !filter.edge || e.location === filter.edge)
	const all = placesOf(graph)
	const links = linksOf(graph).filter((l) => !filter.row || l.from === 'segment ' + filter.row || l.to === 'segment ' + filter.row || l.from === 'group ' + filter.row || l.to === 'group ' + filter.row)
	const near = new Set(links.flatMap((l) => [l.from, l.to]))
	const rows = all.filter((r) => !filter.row || r.name === filter.row || near.has(r.kind + ' ' + r.name))
	// A large grid has one line in each cell, so that the picture stays small whatever is attached.
	const large = rows.length * edges.length > most
	const lines = (list) => large ? totals(list.length, list.filter((a) => a.down).length) : cellLines(list, filter.names)
	const cells = new Map()
	for (const a of graph.attachments ?? []) {
		if (filter.match && !filter.match(a)) continue
		const row = a.segment ? 'segment ' + a.segment : 'group ' + a.networkFunctionGroup
		for (const e of a.edges) {
			const key = row + '\n' + e
			if (!cells.has(key)) cells.set(key, [])
			cells.get(key).push(a)
		}
	}
	const lanes = Math.min(links.length, 60)
	const left = lane * (lanes + 1) + nameWide
	let y = headHigh
	const placed = rows.map((r) => {
		const inCells = edges.map((e) => r.attached ? totals(r.attached[e.location], r.down?.[e.location]) : lines(cells.get(`${r.kind} ${r.name}\n${e.location}`) ?? []))
		const high = Math.max(2, ...inCells.map((l) => l.length)) * line + 2 * pad
		const row = {...r, key: `${r.kind} ${r.name}`, top: y, high, cells: edges.map((e, i) => ({edge: e.location, x: left + i * (cellWide + pad), present: r.edges.includes(e.location), lines: inCells[i]}))}
		y += high + pad
		return row
	})
	const at = new Map(placed.map((r) => [r.key, r]))
	const drawn = links.filter((l) => at.has(l.from) && at.has(l.to)).slice(0, lanes).map((l, i) => {
		const a = at.get(l.from), b = at.get(l.to)
		const anchor = (r) => r.top + pad + (i * 4) % Math.max(1, r.high - 2 * pad)
		const end = left - nameWide, x = end - lane * (i + 1) + 4
		return {...l, path: `M${end} ${anchor(a)}H${x}V${anchor(b)}H${end}`}
	})
	return {
		edges: edges.map((e, i) => ({...e, x: left + i * (cellWide + pad)})), rows: placed, links: drawn, undrawn: links.length - drawn.length,
		left, width: Math.max(left + edges.length * (cellWide + pad), 420), height: y + 30,
	}
}

function linksOf(graph) {
	const list = [], seen = new Set()
	const add = (kind, from, to) => {
		const key = [kind, ...[from, to].sort()].join('\n')
		if (from === to || seen.has(key)) return
		seen.add(key)
		list.push({kind, from, to})
	}
	for (const i of graph.inspections) {
		add(i.action, 'segment ' + i.segment, 'group ' + i.networkFunctionGroup)
		if (i.with) add(i.action, 'segment ' + i.with, 'group ' + i.networkFunctionGroup)
	}
	for (const s of graph.shares) add('share', 'segment ' + s.from, 'segment ' + s.to)
	return list
}

const totals = (n, down) => n ? [{text: `${n} attached${down ? `, ${down} down` : ''}`, down: down > 0}] : []

function cellLines(list, names) {
	if (list.length <= listed) return list.map((a) => ({text: `${clip(names?.get(a.id), 14) || (a.id.length > 18 ? '…' + a.id.slice(-10) : a.id)} ${short[a.type] ?? a.type}${a.down ? ' (down)' : ''}`, whole: `${[names?.get(a.id), a.id].filter(Boolean).join(' ')} ${a.type}${a.down ? ' (down)' : ''}`, id: a.id, down: a.down}))
	const count = new Map()
	for (const a of list) count.set(a.type, (count.get(a.type) ?? 0) + 1)
	const lines = [...count].sort().slice(0, listed).map(([type, n]) => ({text: `${n} × ${type}`, whole: `${n} × ${type}`}))
	const down = list.filter((a) => a.down).length
	if (down) lines.push({text: `${down} of them down`, whole: `${down} of them down`, down: true})
	return lines
}

// difference marks rows and links of two graphs: 'lost', 'fresh' or ''.
export function difference(before, after) {
	const names = (g) => new Set(placesOf(g).map((p) => `${p.kind} ${p.name}`))
	const keys = (g) => new Set(linksOf(g).map((l) => [l.kind, l.from, l.to].join('\n')))
	const [b, a, lb, la] = [names(before), names(after), keys(before), keys(after)]
	return {
		row: (key, isAfter) => isAfter ? (b.has(key) ? '' : 'fresh') : a.has(key) ? '' : 'lost',
		link: (l, isAfter) => { const k = [l.kind, l.from, l.to].join('\n'); return isAfter ? (lb.has(k) ? '' : 'fresh') : la.has(k) ? '' : 'lost' },
	}
}
