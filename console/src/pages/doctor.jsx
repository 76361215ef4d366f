// Doctor lists problems that no error message reports, those of one cause together; each leads to its place.
import {useMemo} from 'preact/hooks'
import {useDoctor} from '../lib/data.js'
import {A, setParams} from '../lib/router.jsx'
import {tableLink} from '../lib/tables.js'
import {number, withNames} from '../lib/text.js'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

const message = {name: 'message', title: 'Finding', text: (f) => withNames(f.message, f.names)}
// keyOf is what a finding is about: it is the same when findings are asked for again, and others have come or gone.
const keyOf = (f) => [f.check, f.table, f.prefix, f.path, ...f.subjects].filter(Boolean).join(' ')
const placeText = (f) => [f.table, f.prefix, ...f.subjects].filter(Boolean).join(' ')

export function Doctor({parts: [, cn], params}) {
	const found = useDoctor(cn)
	const rows = useMemo(() => found.data?.map((f) => ({...f, key: keyOf(f)})).filter((f) => (!params.check || f.check === params.check) && (!params.severity || f.severity === params.severity)), [found.data, params.check, params.severity])
	const columns = useMemo(() => [
		{name: 'check', title: 'Check', text: (f) => f.check},
		{name: 'severity', title: 'Severity', text: (f) => f.severity, cell: (f) => <State of={f.severity} />},
		{name: 'count', title: 'Times', text: (f) => f.count},
		message,
		{name: 'place', title: 'Place', text: placeText, cell: (f) => <Places cn={cn} of={f} />},
		{name: 'line', title: 'Policy', text: (f) => f.path, cell: (f) => <Line cn={cn} of={f} />},
	], [cn])
	const values = (all, f) => [...new Set(all.map(f))].sort()
	return <Page title="Health checks" sub="Routes that drop, loops, traffic that is not inspected, prefixes that no table has, and the like. What has one cause is one row.">
		<Loaded of={found} what="findings">{(all) => all.length === 0 ? <p>No findings.</p> : <>
			<div class="filters">
				<Choice label="Check" any="All" value={params.check} options={values(all, (f) => f.check)} onChange={(check) => setParams({check})} />
				<Choice label="Severity" any="All" value={params.severity} options={values(all, (f) => f.severity)} onChange={(severity) => setParams({severity})} />
			</div>
			<Table name="findings" caption="Findings" columns={columns} rows={rows} keyOf={(f) => f.key} openKey={params.open} onOpen={(open) => setParams({open})} initial={params.find} onFilter={(find) => setParams({find})}
				detail={(f) => <Finding key={f.key} cn={cn} of={f} />} />
		</>}</Loaded>
	</Page>
}

// Finding is one finding with every occurrence of it.
function Finding({cn, of: f}) {
	const each = useMemo(() => f.instances?.map((x, i) => ({...x, key: i})), [f])
	const columns = useMemo(() => [message, {name: 'place', title: 'Place', text: placeText, cell: (x) => <Places cn={cn} of={x} />}, {name: 'line', title: 'Policy', text: (x) => x.path, cell: (x) => <Line cn={cn} of={x} />}], [cn])
	return <>
		<p><bdi>{withNames(f.message, f.names)}</bdi></p>
		{f.detail?.length > 0 && <ul>{f.detail.map((d) => <li key={d}><bdi>{withNames(d, f.names)}</bdi></li>)}</ul>}
		{!each ? <Places cn={cn} of={f} /> : <>
			<h3>{f.count > each.length ? `The first ${number(each.length)} of ${number(f.count)} occurrences` : `All ${number(f.count)} occurrences`}</h3>
			<Table name={`occurrences-${f.check}`} caption={`Occurrences of ${f.check}`} columns={columns} rows={each} keyOf={(x) => x.key} tall={280} />
		</>}
	</>
}

const Line = ({cn, of: f}) => f.path ? <A to={['cn', cn, 'edit']} params={{path: f.path}}>{f.line > 1 ? `line ${f.line}` : f.path}</A> : null

// Places are links to what a finding is about: a route, attachments, Connect peers, segments and groups.
function Places({cn, of: f}) {
	const links = []
	if (f.table) links.push(<A key="t" {...tableLink(cn, f.table, f.prefix)}>{f.prefix ? `${f.prefix} in ` : ''}{f.table}</A>, ' ')
	for (const s of f.subjects) {
		const text = f.names?.[s] ?? s
		links.push(s.startsWith('attachment-') ? <A key={s} to={['cn', cn, 'attachments']} params={{open: s}}>{text}</A> : s.startsWith('connect-peer-') ? <A key={s} to={['cn', cn, 'peers', s]}>{text}</A> : <A key={s} to={['cn', cn, 'topology']} params={{row: s}}>{text}</A>, ' ')
	}
	return <>{links}</>
}
