// Compare tells what differs between two versions by what they mean, not by which text moved.
import {useMemo} from 'preact/hooks'
import {control} from '../lib/api.js'
import {usePolicy, useVersions} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

const values = (v) => v ? Object.entries(v).filter(([, x]) => x !== null && x !== '' && x !== 0 && x !== 'invalid Prefix' && !(Array.isArray(x) && !x.length)).map(([k, x]) => `${k} ${typeof x === 'object' ? JSON.stringify(x) : x}`).join('; ') : ''

export const columns = [
	{name: 'action', title: 'Action', text: (c) => c.action, cell: (c) => <State of={{ADD: 'yes', REMOVE: 'no', MODIFY: 'partly'}[c.action]}>{c.action}</State>},
	{name: 'type', title: 'Type', text: (c) => c.type},
	{name: 'id', title: 'Identifier', text: (c) => c.identifier},
	{name: 'path', title: 'Path', text: (c) => c.identifierPath},
	{name: 'before', title: 'Before', text: (c) => values(c.before)},
	{name: 'after', title: 'After', text: (c) => values(c.after)},
]

// differences are what differs between two documents.
export const differences = async (from, to) => (await control('POST', 'policy/diff', {body: {from, to}})).changes.map((c, i) => ({...c, i: String(i)}))

export function Compare({parts: [, cn], params}) {
	const versions = useVersions(cn)
	const from = params.from || 'LIVE', to = params.to || 'LATEST'
	const a = usePolicy(cn, from), b = usePolicy(cn, to)
	const ready = a.data && b.data
	const diff = useQuery(ready ? `cn ${cn} diff ${a.data.PolicyVersionId} ${b.data.PolicyVersionId}` : null, () => differences(a.data.PolicyDocument, b.data.PolicyDocument))
	const options = useMemo(() => ['LIVE', 'LATEST', ...(versions.data ?? []).map((v) => [String(v.PolicyVersionId), `version ${v.PolicyVersionId}${v.Alias ? ` (${v.Alias})` : ''}`])], [versions.data])
	return <Page title="Compare policies" sub="What differs by what it means for the network.">
		<div class="filters">
			<Choice label="From" value={from} options={options} onChange={(from) => setParams({from})} />
			<Choice label="To" value={to} options={options} onChange={(to) => setParams({to})} />
		</div>
		{(a.error || b.error) && <Loaded of={a.error ? a : b}>{() => null}</Loaded>}
		{ready && <Loaded of={diff} what="differences">{(rows) => rows.length === 0 ? <p role="status">Both mean the same.</p> :
			<Table name={`compare-${from}-${to}`} caption="Differences" columns={columns} rows={rows} keyOf={(c) => c.i} openKey={params.open} onOpen={(open) => setParams({open})} detail={(c) => <div class="two"><pre>{JSON.stringify(c.before ?? null, null, 2)}</pre><pre>{JSON.stringify(c.after ?? null, null, 2)}</pre></div>} />}</Loaded>}
	</Page>
}
