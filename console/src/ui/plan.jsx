// PlanSummary shows what a change does: what moves, what is no longer reachable or inspected, routes.
import {useMemo, useState} from 'preact/hooks'
import {number, plural, withNames} from '../lib/text.js'
import {State} from './basics.jsx'
import {Table} from './table.jsx'

const pairColumns = (named) => [
	{name: 'from', title: 'From', text: (p) => named(p.from)},
	{name: 'to', title: 'To', text: (p) => named(p.to)},
	{name: 'before', title: 'Before', text: (p) => p.before},
	{name: 'after', title: 'After', text: (p) => p.after},
]

const routeColumns = (named) => [
	{name: 'kind', title: 'Change', text: (r) => r.kind, cell: (r) => <State of={{added: 'yes', withdrawn: 'no', rerouted: 'partly'}[r.kind]}>{r.kind}</State>},
	{name: 'table', title: 'Table', text: (r) => r.table},
	{name: 'prefix', title: 'Prefix', text: (r) => r.prefix},
	{name: 'before', title: 'Before', text: (r) => named(r.before)},
	{name: 'after', title: 'After', text: (r) => named(r.after)},
]

export function PlanSummary({of: plan, routes = true}) {
	const [all, setAll] = useState(false)
	const named = (text) => withNames(text, plan.names)
	const [pairs, changes] = useMemo(() => [pairColumns(named), routeColumns(named)], [plan])
	const lost = useMemo(() => plan.segments.filter((p) => p.before === 'reachable' && p.after !== 'reachable').length, [plan])
	const keyed = useMemo(() => plan.routes.map((r, i) => ({...r, i})), [plan])
	if (plan.empty) return <p role="status">Nothing changes.</p>
	return <div class="plan">
		<p role="status"><strong>{plural(plan.routesAdded, 'route')} added, {number(plan.routesWithdrawn)} withdrawn, {number(plan.routesRerouted)} rerouted.</strong>{' '}
			{plan.moves?.length ? plural(plan.moves.length, 'attachment') + (plan.moves.length === 1 ? ' moves. ' : ' move. ') : ''}
			{lost > 0 && <State of="no">{plural(lost, 'pair')} of segments no longer reachable</State>}{' '}
			{plan.inspectionLost.length > 0 && <State of="no">{plural(plan.inspectionLost.length, 'pair')} no longer inspected</State>}</p>
		{plan.inspectionLost.length > 0 && <Part title="No longer inspected"><ul>{some(plan.inspectionLost, all).map((t) => <li key={t}><bdi>{named(t)}</bdi></li>)}</ul></Part>}
		{plan.moves?.length > 0 && <Part title="What moves"><ul>{some(plan.moves, all).map((m) => <li key={m.attachment}><bdi>{named(m.attachment)}</bdi>: <bdi>{m.after}</bdi> (was: <bdi>{m.before}</bdi>)</li>)}</ul></Part>}
		{plan.segments.length > 0 && <Part title="Reachability between segments"><ul>{some(plan.segments, all).map((p) => <li key={p.from + ' ' + p.to}><bdi>{named(p.from)}</bdi> → <bdi>{named(p.to)}</bdi>: <State of={p.after === 'reachable' ? 'yes' : p.after.startsWith('partly') ? 'partly' : 'no'}>{p.after}</State> (was: {p.before})</li>)}</ul></Part>}
		{plan.changes.length > 0 && <Part title="Change set"><ul>{some(plan.changes, all).map((c) => <li key={c}><bdi>{named(c)}</bdi></li>)}</ul></Part>}
		{!all && [plan.inspectionLost, plan.moves ?? [], plan.segments, plan.changes].some((l) => l.length > few) && <button type="button" class="linkish" onClick={() => setAll(true)}>Show all</button>}
		{plan.attachments.length > 0 && <Part title="Reachability between attachments"><Table name="plan-attachments" caption="Pairs of attachments that reach each other otherwise" columns={pairs} rows={plan.attachments} keyOf={(p) => p.from + ' ' + p.to} tall={240} />{plan.truncated && <p class="hint">More pairs change than are listed.</p>}</Part>}
		{routes && keyed.length > 0 && <Part title="Routes"><Table name="plan-routes" caption="Routes that change" columns={changes} rows={keyed} keyOf={(r) => r.i} tall={320} />{plan.routesTruncated && <p class="hint">The first {number(keyed.length)} are listed.</p>}</Part>}
		{plan.edges.length > 0 && <p class="hint">Edge locations: {plan.edges.join(', ')}. {plan.accounts.length ? `Accounts: ${plan.accounts.join(', ')}.` : ''}</p>}
	</div>
}

const few = 8
const some = (list, all) => all ? list : list.slice(0, few)
const Part = ({title, children}) => <section><h3>{title}</h3>{children}</section>
