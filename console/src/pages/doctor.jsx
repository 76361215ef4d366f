// Doctor lists problems that no error message reports; each leads to its place.
import {useMemo} from 'preact/hooks'
import {useDoctor} from '../lib/data.js'
import {A, setParams} from '../lib/router.jsx'
import {tableOf} from '../lib/tables.js'
import {Choice, Loaded, Page} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function Doctor({parts: [, cn], params}) {
	const found = useDoctor(cn)
	const rows = useMemo(() => found.data?.map((f, i) => ({...f, key: String(i)})).filter((f) => !params.check || f.check === params.check), [found.data, params.check])
	const columns = useMemo(() => [
		{name: 'check', title: 'Check', text: (f) => f.check},
		{name: 'message', title: 'Finding', text: (f) => f.message},
		{name: 'place', title: 'Place', text: (f) => [f.table, f.prefix, ...f.subjects].filter(Boolean).join(' '), cell: (f) => <Places cn={cn} of={f} />},
		{name: 'line', title: 'Policy', text: (f) => f.path, cell: (f) => f.path && <A to={['cn', cn, 'edit']} params={{path: f.path}}>{f.line > 1 ? `line ${f.line}` : f.path}</A>},
	], [cn])
	return <Page title="Health checks" sub="Routes that drop, loops, traffic that is not inspected, prefixes that no table has, and the like.">
		<Loaded of={found} what="findings">{(all) => all.length === 0 ? <p>No findings.</p> : <>
			<div class="filters"><Choice label="Check" any="All" value={params.check} options={[...new Set(all.map((f) => f.check))].sort()} onChange={(check) => setParams({check})} /></div>
			<Table name="findings" caption="Findings" columns={columns} rows={rows} keyOf={(f) => f.key} openKey={params.open} onOpen={(open) => setParams({open})} initial={params.find} onFilter={(find) => setParams({find})}
				detail={(f) => <><p><bdi>{f.message}</bdi></p><Places cn={cn} of={f} /></>} />
		</>}</Loaded>
	</Page>
}

function Places({cn, of: f}) {
	const links = []
	if (f.table) {
		const t = tableOf(f.table)
		links.push(<A key="t" to={['cn', cn, 'routes']} params={{[t.group ? 'group' : 'segment']: t.name, edge: t.edge, why: f.prefix}}>{f.prefix ? `${f.prefix} in ` : ''}{f.table}</A>, ' ')
	}
	for (const s of f.subjects) {
		links.push(s.startsWith('attachment-') ? <A key={s} to={['cn', cn, 'attachments']} params={{open: s}}>{s}</A> : <A key={s} to={['cn', cn, 'topology']} params={{row: s}}>{s}</A>, ' ')
	}
	return <>{links}</>
}
