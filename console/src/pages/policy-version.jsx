// PolicyVersion is one version: its change set, what its execution did, its document, and what can be done with it.
import {useMemo} from 'preact/hooks'
import {askWith, call, pages} from '../lib/api.js'
import {useLive, usePolicy, useVersions} from '../lib/data.js'
import {invalidate, useQuery} from '../lib/query.js'
import {A} from '../lib/router.jsx'
import {time} from '../lib/text.js'
import {save} from '../ui/save.js'
import {Act, Facts, Loaded, More, Page, State} from '../ui/basics.jsx'
import {PlanSummary} from '../ui/plan.jsx'
import {Table} from '../ui/table.jsx'

const changeColumns = [
	{name: 'action', title: 'Action', text: (c) => c.Action},
	{name: 'type', title: 'Type', text: (c) => c.Type},
	{name: 'id', title: 'Identifier', text: (c) => c.Identifier},
	{name: 'path', title: 'Path', text: (c) => c.IdentifierPath},
]
const eventColumns = [
	{name: 'status', title: 'Status', text: (c) => c.Status, cell: (c) => <State of={c.Status} />},
	{name: 'action', title: 'Action', text: (c) => c.Action},
	{name: 'type', title: 'Type', text: (c) => c.Type},
	{name: 'path', title: 'Path', text: (c) => c.IdentifierPath},
	{name: 'edge', title: 'Edge location', text: (c) => c.Values?.EdgeLocation},
	{name: 'time', title: 'Time', text: (c) => time(c.EventTime)},
]

export function PolicyVersion({parts: [, cn, , version]}) {
	const policy = usePolicy(cn, version)
	const versions = useVersions(cn)
	const p = policy.data
	const about = versions.data?.find((v) => String(v.PolicyVersionId) === version) ?? p
	const ready = about?.ChangeSetState === 'READY_TO_EXECUTE'
	const params = {coreNetworkId: cn, policyVersionId: version}
	const generated = p && !['FAILED_GENERATION', 'PENDING_GENERATION'].includes(p.ChangeSetState)
	const changes = useQuery(generated ? `cn ${cn} changes ${version}` : null, () => pages('GetCoreNetworkChangeSet', params, 'CoreNetworkChanges'))
	const events = useQuery(p ? `cn ${cn} changeevents ${version}` : null, () => pages('GetCoreNetworkChangeEvents', params, 'CoreNetworkChangeEvents'))
	const live = useLive(cn)
	const plan = useQuery(p && ready && live ? `cn ${cn} plan ${version}` : null, () => askWith(cn, 'what-if', {policy: p.PolicyDocument}))
	const refresh = () => invalidate(`cn ${cn} `)
	const keyed = useMemo(() => [changes.data, events.data].map((l) => l?.map((c, i) => ({...c, i}))), [changes.data, events.data])
	const back = about && about.Alias !== 'LIVE' && about.ChangeSetState !== 'READY_TO_EXECUTE'
	return <Page title={`Policy version ${version}`} sub={about?.Description} actions={p && <>
		{ready && <Act operation="ExecuteCoreNetworkChangeSet" confirm={live ? 'The network becomes what the plan below says.' : 'The policy comes into force.'} run={() => call('ExecuteCoreNetworkChangeSet', params)} done={refresh}>Execute</Act>}
		{back && <Act operation="RestoreCoreNetworkPolicyVersion" class="quiet" run={() => call('RestoreCoreNetworkPolicyVersion', params)} done={refresh}>Restore as a new version</Act>}
		<A to={['cn', cn, 'edit']} params={{version}}>Edit from here</A>
		<button type="button" class="quiet" onClick={() => save(`policy-${version}.json`, 'application/json', p.PolicyDocument)}>Download</button>
	</>}>
		<Loaded of={policy} what="policy">{() => <>
			<Facts of={[['Alias', about.Alias], ['Change set', <State of={about.ChangeSetState} />], ['Created', time(about.CreatedAt)]]} />
			{(p.PolicyErrors ?? []).length > 0 && <ul class="list">{p.PolicyErrors.map((e, i) => <li key={i} class="finding error"><strong>{e.ErrorCode}</strong> <bdi>{e.Message}</bdi></li>)}</ul>}
			{ready && live && <section class="panel"><h2>What it would do</h2><Loaded of={plan} what="plan">{(x) => <PlanSummary of={x} />}</Loaded></section>}
			<h2>Change set</h2>
			{generated ? <Loaded of={changes} what="changes">{() => <Table name={`change-set-${version}`} caption="Changes" columns={changeColumns} rows={keyed[0]} keyOf={(c) => c.i} tall={320} empty="The change set is empty." />}</Loaded> : <p class="empty">There is no change set.</p>}
			<h2>Events of its execution</h2>
			<Loaded of={events} what="events">{() => <Table name={`change-events-${version}`} caption="Events of the execution" columns={eventColumns} rows={keyed[1]} keyOf={(c) => c.i} tall={320} empty="It was not executed." />}</Loaded>
			<h2>Document</h2>
			<More summary="Show the document"><pre tabIndex={0}>{pretty(p.PolicyDocument)}</pre></More>
		</>}</Loaded>
	</Page>
}

export function pretty(document) {
	try {
		return JSON.stringify(JSON.parse(document), null, 2)
	} catch {
		return document
	}
}
