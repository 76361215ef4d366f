// CoreNetwork is the overview of one: its state, findings, what waits for somebody, segments and edges.
import {useMemo} from 'preact/hooks'
import {call} from '../lib/api.js'
import {attachedTo, placesOf, useCoreNetwork, useDoctor, useGraph, useLive, usePeers, useVersions, useWaiting} from '../lib/data.js'
import {invalidate} from '../lib/query.js'
import {A} from '../lib/router.jsx'
import {nameOf, number, plural, time, withNames} from '../lib/text.js'
import {Act, Facts, Id, Loaded, NoPolicy, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function CoreNetwork({parts: [, cn]}) {
	const core = useCoreNetwork(cn)
	const live = useLive(cn)
	const graph = useGraph(live ? cn : null)
	const waiting = useWaiting(cn)
	const peers = usePeers(cn)
	const versions = useVersions(cn)
	const doctor = useDoctor(live ? cn : null)
	const latest = versions.data?.[0]
	return <Page title={core.data?.Description || 'Core network'} sub={<Id>{cn}</Id>}>
		<Loaded of={core} what="core network">{(c) => <>
			<Facts of={[['State', <State of={c.State} />], ['Global network', <A to={['gn', c.GlobalNetworkId, 'sites']}>{c.GlobalNetworkId}</A>], ['Created', time(c.CreatedAt)],
				['Policy in force', live ? <A to={['cn', cn, 'policy', String(live.PolicyVersionId)]}>version {live.PolicyVersionId}</A> : live === null && 'none'],
				['Latest policy', latest && latest !== live ? <A to={['cn', cn, 'policy', String(latest.PolicyVersionId)]}>version {latest.PolicyVersionId}, {latest.ChangeSetState}</A> : '']]} />
			<ul class="cards" aria-label="Counts">
				<Count of={c.Segments?.length} to={['cn', cn, 'logical']}>segments</Count>
				<Count of={c.NetworkFunctionGroups?.length} to={['cn', cn, 'logical']}>network function groups</Count>
				<Count of={c.Edges?.length} to={['cn', cn, 'map']}>edge locations</Count>
				<Count of={graph.data?.attachmentCount ?? (graph.data && 0)} to={['cn', cn, 'attachments']}>attachments</Count>
				<Count of={peers.data?.length} to={['cn', cn, 'peers']}>Connect peers</Count>
				<Count of={doctor.data?.length} to={['cn', cn, 'doctor']}>findings</Count>
			</ul>
			{waiting.data?.length > 0 && <Waiting cn={cn} list={waiting.data} />}
			<div class="tables">
				<section><h2>Segments and groups</h2><Places cn={cn} core={c} graph={graph.data} /></section>
				<section><h2>Edge locations</h2><div class="plain"><table><caption class="hidden">Edge locations</caption>
					<thead><tr><th scope="col">Location</th><th scope="col">ASN</th><th scope="col">Inside CIDR blocks</th></tr></thead>
					<tbody>{(c.Edges ?? []).map((e) => <tr key={e.EdgeLocation}><td><A to={['cn', cn, 'attachments']} params={{edge: e.EdgeLocation}}>{e.EdgeLocation}</A></td><td>{e.Asn}</td><td>{(e.InsideCidrBlocks ?? []).join(', ')}</td></tr>)}</tbody></table></div></section>
			</div>
			<h2>Health checks</h2>
			{live === null ? <NoPolicy cn={cn} /> : <Loaded of={doctor} what="findings">{(list) => list.length === 0 ? <p>No findings.</p> :
				<ul class="list">{list.slice(0, 5).map((f, i) => <li key={i} class={'finding ' + f.severity}><A to={['cn', cn, 'doctor']} params={{check: f.check}}>{f.check}</A>: <bdi>{withNames(f.message, f.names)}</bdi>{f.count > 1 ? `, and ${number(f.count - 1)} more` : ''}</li>)}
					{list.length > 5 && <li><A to={['cn', cn, 'doctor']}>All {number(list.length)} findings</A></li>}</ul>}</Loaded>}
		</>}</Loaded>
	</Page>
}

const Count = ({of, to, children}) => of === undefined ? null : <li><b>{number(of)}</b><A to={to}>{children}</A></li>

function Waiting({cn, list: waiting}) {
	const done = () => invalidate(`cn ${cn} `)
	return <section class="notice"><h2>{plural(waiting.length, 'attachment')} waiting for acceptance</h2>
		<ul class="list">{waiting.slice(0, 10).map((a) => <li key={a.AttachmentId}><A to={['cn', cn, 'attachments']} params={{open: a.AttachmentId}}><bdi>{nameOf(a) || a.AttachmentId}</bdi></A> {a.AttachmentType} at {a.EdgeLocation || (a.EdgeLocations ?? []).join(', ')}{' '}
			<Act operation="AcceptAttachment" run={() => call('AcceptAttachment', {attachmentId: a.AttachmentId})} done={done}>Accept</Act>{' '}
			<Act operation="RejectAttachment" class="danger" run={() => call('RejectAttachment', {attachmentId: a.AttachmentId})} done={done}>Reject</Act></li>)}</ul>
		{waiting.length > 10 && <p><A to={['cn', cn, 'attachments']} params={{state: 'PENDING_ATTACHMENT_ACCEPTANCE'}}>All of them</A></p>}
	</section>
}

function Places({cn, core, graph}) {
	const rows = useMemo(() => {
		const count = new Map(graph ? placesOf(graph).map((p) => [p.name, attachedTo(p)]) : [])
		return [
			...(core.Segments ?? []).map((s) => ({name: s.Name, kind: 'segment', edges: s.EdgeLocations ?? [], shared: s.SharedSegments ?? [], count: count.get(s.Name) ?? 0})),
			...(core.NetworkFunctionGroups ?? []).map((g) => ({name: g.Name, kind: 'network function group', edges: g.EdgeLocations ?? [], shared: [], count: count.get(g.Name) ?? 0})),
		]
	}, [core, graph])
	const columns = useMemo(() => [
		{name: 'name', title: 'Name', text: (r) => r.name, cell: (r) => <A to={['cn', cn, 'attachments']} params={{segment: r.name}}>{r.name}</A>},
		{name: 'kind', title: 'Kind', text: (r) => r.kind},
		{name: 'count', title: 'Attachments', text: (r) => r.count},
		{name: 'shared', title: 'Shared with', text: (r) => r.shared.join(', ')},
		{name: 'edges', title: 'Edge locations', text: (r) => r.edges.join(', ')},
	], [cn])
	return <Table name="segments" caption="Segments and network function groups" columns={columns} rows={rows} keyOf={(r) => r.kind + r.name} tall={360} />
}
