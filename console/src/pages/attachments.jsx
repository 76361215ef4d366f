// Attachments are listed with the rule that put them where they are. One that is open has what can be done with it.
import {useMemo} from 'preact/hooks'
import {ask, call, control} from '../lib/api.js'
import {isWaiting, useAttachments} from '../lib/data.js'
import {invalidate, useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {lastPart, nameOf, number, tags, time} from '../lib/text.js'
import {Act, Choice, Facts, Id, Loaded, More, Page, State} from '../ui/basics.jsx'
import {Rules} from '../ui/rules.jsx'
import {Table} from '../ui/table.jsx'
import {Retag} from './retag.jsx'

export const placeOf = (a) => a.SegmentName || a.NetworkFunctionGroupName || ''
export const edgesOf = (a) => a.EdgeLocation || (a.EdgeLocations ?? []).join(', ')

const columns = [
	{name: 'id', title: 'Attachment', text: (a) => a.AttachmentId, cell: (a) => <Id>{a.AttachmentId}</Id>},
	{name: 'name', title: 'Name', text: nameOf},
	{name: 'type', title: 'Type', text: (a) => a.AttachmentType},
	{name: 'state', title: 'State', text: (a) => a.State, cell: (a) => <State of={a.State} />},
	{name: 'edge', title: 'Edge location', text: edgesOf},
	{name: 'place', title: 'Segment or group', text: placeOf, cell: (a) => placeOf(a) || (a.ProposedSegmentChange?.SegmentName ? `(${a.ProposedSegmentChange.SegmentName} proposed)` : '–')},
	{name: 'rule', title: 'Rule', text: (a) => a.AttachmentPolicyRuleNumber || ''},
	{name: 'account', title: 'Account', text: (a) => a.OwnerAccountId},
	{name: 'resource', title: 'Resource', text: (a) => lastPart(a.ResourceArn)},
	{name: 'tags', title: 'Tags', text: (a) => tags(a.Tags)},
]

export function Attachments({parts: [, cn], params}) {
	const list = useAttachments(cn)
	const shown = useMemo(() => list.data?.filter((a) =>
		(!params.segment || placeOf(a) === params.segment) && (!params.edge || edgesOf(a).split(', ').includes(params.edge)) &&
		(!params.state || a.State === params.state) && (!params.type || a.AttachmentType === params.type)), [list.data, params.segment, params.edge, params.state, params.type])
	const values = (f) => [...new Set(list.data?.flatMap(f).filter(Boolean))].sort()
	return <Page title="Attachments" sub="Each with the attachment-policy rule that associates it. Open a row to see every rule that was tried, and to change the attachment.">
		<Loaded of={list} what="attachments">{() => <>
			<div class="filters">
				<Choice label="Segment or group" any="All" value={params.segment} options={values(placeOf)} onChange={(segment) => setParams({segment})} />
				<Choice label="Edge location" any="All" value={params.edge} options={values((a) => edgesOf(a).split(', '))} onChange={(edge) => setParams({edge})} />
				<Choice label="Type" any="All" value={params.type} options={values((a) => a.AttachmentType)} onChange={(type) => setParams({type})} />
				<Choice label="State" any="All" value={params.state} options={values((a) => a.State)} onChange={(state) => setParams({state})} />
			</div>
			<Table name="attachments" caption="Attachments" columns={columns} rows={shown} keyOf={(a) => a.AttachmentId} initial={params.find} onFilter={(find) => setParams({find})}
				more={list.progress ? `${number(list.progress)} loaded…` : ''} openKey={params.open} onOpen={(open) => setParams({open})} detail={(a) => <Attachment cn={cn} of={a} key={a.AttachmentId} />} empty="No attachments." />
		</>}</Loaded>
	</Page>
}

function Attachment({cn, of: a}) {
	const id = a.AttachmentId
	const why = useQuery(`cn ${cn} association ${id}`, () => ask(cn, 'association', {attachment: id}))
	const announced = useQuery(`cn ${cn} announced ${id}`, () => control('GET', 'announcements/' + encodeURIComponent(id)))
	const refresh = () => invalidate(`cn ${cn} `)
	return <>
		<div class="actions">
			{isWaiting(a) && <>
				<Act operation="AcceptAttachment" run={() => call('AcceptAttachment', {attachmentId: id})} done={refresh}>Accept</Act>
				<Act operation="RejectAttachment" class="danger" run={() => call('RejectAttachment', {attachmentId: id})} done={refresh}>Reject</Act>
			</>}
			<A to={['cn', cn, 'path']} params={{from: id}}>Path from here</A>
			<A to={['cn', cn, 'what-if']} params={{attachment: id}}>What if it fails</A>
			{a.SegmentName && <A to={['cn', cn, 'routes']} params={{segment: a.SegmentName, edge: a.EdgeLocation || a.EdgeLocations?.[0]}}>Its route table</A>}
		</div>
		<Facts of={[['ARN of the resource', a.ResourceArn], ['Owner', a.OwnerAccountId], ['Created', time(a.CreatedAt)], ['Updated', time(a.UpdatedAt)], ['NAT', a.NatGatewaySupport],
			['Proposed', a.ProposedSegmentChange && `segment ${a.ProposedSegmentChange.SegmentName}, rule ${a.ProposedSegmentChange.AttachmentPolicyRuleNumber}`],
			['Errors', (a.LastModificationErrors ?? []).map((e) => `${e.Code}: ${e.Message}`).join('; ')]]} />
		<h2>Rules that were tried</h2>
		<Loaded of={why} what="rules">{(y) => <Rules of={y} />}</Loaded>
		<More summary="Announced prefixes"><Loaded of={announced}>{(list) => list?.length ? <ul>{list.map((x) => <li key={x.prefix}><code>{x.prefix}</code>{x.asPath ? ` AS path ${x.asPath.join(' ')}` : ''}</li>)}</ul> : <p class="empty">Nothing is announced.</p>}</Loaded></More>
		<More summary="Change tags or the routing policy label, with a plan"><Retag cn={cn} of={a} done={refresh} /></More>
	</>
}
