// Tree is the topology as a tree: edge locations, the segments and groups there, their attachments. A branch is made when it is
// opened first.
import {useMemo} from 'preact/hooks'
import {placesOf} from '../lib/data.js'
import {A} from '../lib/router.jsx'
import {number, plural} from '../lib/text.js'
import {More, State} from '../ui/basics.jsx'

const most = 200 // attachments of a branch

// graph has each attachment; shown tells which attachments are meant, names are their names by id.
export function Tree({cn, graph, shown, names, row, edge}) {
	const at = useMemo(() => {
		const map = new Map()
		for (const a of graph.attachments ?? []) if (!shown || shown(a)) for (const e of a.edges) {
			const key = `${e}\n${a.segment ? 'segment ' + a.segment : 'group ' + a.networkFunctionGroup}`
			map.set(key, [...(map.get(key) ?? []), a])
		}
		return map
	}, [graph, shown])
	const places = placesOf(graph).filter((p) => !row || p.name === row)
	return <ul class="tree" aria-label="Topology as a tree">{graph.edges.filter((e) => !edge || e.location === edge).map((e) => {
		const here = places.filter((p) => p.edges.includes(e.location)).map((p) => [p, at.get(`${e.location}\n${p.kind} ${p.name}`) ?? []])
		return <li key={e.location}><More summary={<><strong>{e.location}</strong>, AS {e.asn}: {plural(here.reduce((n, [, list]) => n + list.length, 0), 'attachment')}</>} open={graph.edges.length <= 4}>
			<ul>{here.map(([p, list]) => <li key={p.kind + p.name}>{list.length === 0 ? <Place of={p} list={list} /> : <More summary={<Place of={p} list={list} />} open={Boolean(row)}>
				<ul>{list.slice(0, most).map((a) => <li key={a.id}><A to={['cn', cn, 'attachments']} params={{open: a.id}}><bdi>{names.get(a.id) || a.id}</bdi></A> {a.type}{a.routingPolicyLabel ? <>, label <bdi>{a.routingPolicyLabel}</bdi></> : ''}{a.down && <> <State of="DOWN">carries no traffic</State></>}</li>)}
					{list.length > most && <li><A to={['cn', cn, 'attachments']} params={{segment: p.name, edge: e.location}}>All {number(list.length)} attachments</A></li>}</ul>
			</More>}</li>)}</ul>
		</More></li>
	})}</ul>
}

const Place = ({of: p, list}) => <>{p.kind === 'group' ? 'network function group' : 'segment'} <bdi>{p.name}</bdi>: {number(list.length)}</>
