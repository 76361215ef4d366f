// Matrix is who reaches whom, in colours and words, with the reason of each cell.
import {useMemo} from 'preact/hooks'
import {ask} from '../lib/api.js'
import {useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {number, withNames} from '../lib/text.js'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

const drawn = 40 // names a side; more are a table only

const columns = [
	{name: 'from', title: 'From', text: (r) => withNames(r.from, r.names)},
	{name: 'to', title: 'To', text: (r) => r.to === '*' ? '' : withNames(r.to, r.names)},
	{name: 'reaches', title: 'Reaches', text: (r) => r.reaches, cell: (r) => <State of={r.reaches} />},
	{name: 'share', title: 'Delivered', text: (r) => r.tried ? `${r.delivered} of ${r.tried}` : ''},
	{name: 'via', title: 'Inspected by', text: (r) => r.inspectedBy.join(', ')},
	{name: 'why', title: 'Reason', text: (r) => withNames(r.failures.join('; '), r.names) || r.verdict},
]

const signs = {yes: '●', no: '✕', partly: '◐', '-': '–'}

export function Matrix({parts: [, cn], params}) {
	const of = params.of === 'attachments' ? 'attachments' : 'segments'
	const matrix = useQuery(`cn ${cn} matrix ${of}`, () => ask(cn, 'matrix', {of}))
	// What is not associated reaches nothing: it is no row of the matrix.
	const [pairs, apart, named] = useMemo(() => {
		const all = matrix.data ?? []
		return [all.filter((r) => r.to !== '*'), all.filter((r) => r.to === '*'), Object.assign({}, ...all.map((r) => r.names))]
	}, [matrix.data])
	const names = useMemo(() => [...new Set(pairs.map((r) => r.from))], [pairs])
	const cells = useMemo(() => new Map(pairs.map((r) => [r.from + '\n' + r.to, r])), [pairs])
	const text = (id) => named[id] ?? id
	const chosen = cells.get(params.from + '\n' + params.to)
	return <Page title="Reachability" sub="Every pair, tried with an address of each prefix. Choose a cell for its reason.">
		<div class="filters"><Choice label="Between" value={of} options={['segments', 'attachments']} onChange={(of) => setParams({of, from: '', to: ''})} /></div>
		<Loaded of={matrix} what="pairs">{(rows) => rows.length === 0 ? <p class="empty">There is nothing to try.</p> : <>
			{names.length <= drawn ? <div class="plain" tabIndex={0} role="region" aria-label="Reachability matrix"><table class="matrix">
				<caption class="hidden">Which of the rows reaches which of the columns</caption>
				<thead><tr><td />{names.map((n) => <th key={n} scope="col" title={n}><bdi>{text(n)}</bdi></th>)}</tr></thead>
				<tbody>{names.map((from) => <tr key={from}><th scope="row" title={from}><bdi>{text(from)}</bdi></th>{names.map((to) => {
					const r = cells.get(from + '\n' + to)
					if (!r) return <td key={to}><span>–</span></td>
					const label = `${text(from)} to ${text(to)}: ${r.reaches === '-' ? 'nothing to try' : r.reaches}${r.inspectedBy.length ? `, inspected by ${r.inspectedBy.join(', ')}` : ''}`
					return <td key={to}><button type="button" class={r.reaches} aria-label={label} title={label} aria-pressed={r === chosen} onClick={() => setParams({from, to})}>
						{signs[r.reaches] ?? r.reaches}{r.inspectedBy.length ? ' ◆' : ''}</button></td>
				})}</tr>)}</tbody>
			</table></div> : <p class="hint">More than {drawn} names: shown as a table.</p>}
			<p class="hint">● reaches, ◐ partly, ✕ does not, – nothing to try; ◆ inspected on the way.</p>
			{chosen && <section class="panel" aria-live="polite"><h2><bdi>{text(chosen.from)}</bdi> → <bdi>{text(chosen.to)}</bdi> <State of={chosen.reaches} /></h2>
				<p>{chosen.tried ? `${chosen.delivered} of ${chosen.tried} addresses delivered.` : 'There is nothing to try.'} {chosen.inspectedBy.length ? `Inspected by ${chosen.inspectedBy.join(', ')}.` : chosen.delivered ? 'Not inspected.' : ''} {chosen.verdict && `Verdict: ${chosen.verdict}.`}</p>
				{chosen.failures.length > 0 && <ul>{chosen.failures.map((f) => <li key={f}><bdi>{withNames(f, named)}</bdi></li>)}</ul>}
				{of === 'attachments' && <A to={['cn', cn, 'path']} params={{from: chosen.from}}>Path from {text(chosen.from)}</A>}</section>}
			{apart.length > 0 && <section><h2>Not associated</h2><ul class="list">{apart.slice(0, drawn).map((r) => <li key={r.from}><A to={['cn', cn, 'attachments']} params={{open: r.from}}><bdi>{text(r.from)}</bdi></A>: <bdi>{r.failures.join('; ') || r.verdict}</bdi></li>)}</ul>
				{apart.length > drawn && <p class="hint">{number(apart.length - drawn)} more are in the table.</p>}</section>}
			<h2>As a table</h2>
			<Table name={`matrix-${of}`} caption="Pairs" columns={columns} rows={rows} keyOf={(r) => r.from + '\n' + r.to} />
		</>}</Loaded>
	</Page>
}
