// Why shows why a table has a route or has none: every candidate, with what happened to it on its way.
import {ask} from '../lib/api.js'
import {useQuery} from '../lib/query.js'
import {A} from '../lib/router.jsx'
import {HopPicture, stepsOfCandidate} from '../draw/hops.jsx'
import {withNames} from '../lib/text.js'
import {Loaded, More, State} from './basics.jsx'

export function Why({cn, table, prefix}) {
	const why = useQuery(`cn ${cn} why ${JSON.stringify(table)} ${prefix}`, () => ask(cn, 'why', {...table, prefix}))
	return <Loaded of={why} what="reasons">{(y) => <>
		{y.covered !== undefined && <p>{y.covered ? `${y.asked} matches the route ${y.prefix}.` : `No route matches ${y.asked}.`}</p>}
		{!y.route && y.covered === undefined && <p>There is no route {y.prefix}.</p>}
		{y.candidates.length === 0 && <p>Nothing announces it.</p>}
		{y.notes?.map((n) => <p key={n}><bdi>{withNames(n, y.names)}</bdi></p>)}
		<ul class="list">{y.candidates.map((c, i) => <li key={i} class={'finding ' + (c.outcome.startsWith('selected') ? 'held' : 'warning')}>
			<State of={c.outcome} /> <bdi>{withNames(c.origin, y.names)}</bdi>{c.nextHop ? <>, next hop <bdi>{withNames(c.nextHop, y.names)}</bdi></> : ''}{c.asPath?.length ? `, AS path ${c.asPath.join(' ')}` : ''}, local preference {c.localPreference}, MED {c.med}
			{c.decidedBy && <div>Decided by: <strong>{c.decidedBy}</strong></div>}
			{c.detail && <div><bdi>{withNames(c.detail, y.names)}</bdi></div>}
			<Steps cn={cn} of={c.steps} names={y.names} />
			<More summary="Show as a diagram"><HopPicture name={`trace-${y.prefix.replace('/', '-')}-${i + 1}`} title={`Way of ${y.prefix} to ${y.table}`} steps={stepsOfCandidate(c, y.table, y.names)} /></More>
		</li>)}</ul>
	</>}</Loaded>
}

// Steps are what happened to a route, in order.
export function Steps({cn, of, names}) {
	if (!of.length) return null
	return <ol class="steps">{of.map((s, i) => <li key={i}>
		{s.kind}{s.segment ? ` in ${s.segment}` : ''}{s.edge ? ` at ${s.edge}` : ''}{s.peer ? ` with ${s.peer}` : ''}{s.routingPolicy ? ` by ${s.routingPolicy} rule ${s.ruleNumber} ${s.action}` : ''}
		{s.detail ? <>: <bdi>{withNames(s.detail, names)}</bdi></> : ''}{s.path ? <> (<A to={['cn', cn, 'edit']} params={{path: s.path}}>{s.line > 1 ? `line ${s.line}, ` : ''}{s.path}</A>)</> : ''}{s.dropped ? <> <State of="dropped" /></> : ''}
	</li>)}</ol>
}
