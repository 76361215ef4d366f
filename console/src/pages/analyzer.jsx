// RouteAnalyzer is AWS's Route Analyzer: the way of a packet between attachments of transit gateways, as their route tables have it.
import {useLayoutEffect, useState} from 'preact/hooks'
import {Hops} from '../draw/hops.jsx'
import {call, pages} from '../lib/api.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {clip, lastPart, nameOf, time} from '../lib/text.js'
import {Act, Choice, Facts, Field, Id, Loaded, Page, State} from '../ui/basics.jsx'
import {InventoryTabs} from './inventory.jsx'

const region = (arn) => (arn ?? '').split(':')[3] ?? ''
const id = (arn) => `${lastPart(arn)} ${region(arn)}`

// reasons say in words why a path ends before its destination.
const reasons = {
	TRANSIT_GATEWAY_ATTACHMENT_NOT_FOUND: 'An attachment on the way is on no transit gateway that is registered.',
	TRANSIT_GATEWAY_ATTACHMENT_NOT_IN_TRANSIT_GATEWAY: 'The other end of a peering is on a transit gateway that is not registered in this global network.',
	CYCLIC_PATH_DETECTED: 'The packet comes to the same route table a second time.',
	TRANSIT_GATEWAY_ATTACHMENT_STABLE_ROUTE_TABLE_NOT_FOUND: 'No route table is associated with the attachment.',
	ROUTE_NOT_FOUND: 'The route table has no route to the destination.',
	BLACKHOLE_ROUTE_FOR_DESTINATION_FOUND: 'The route to the destination is a blackhole.',
	INACTIVE_ROUTE_FOR_DESTINATION_FOUND: 'The route to the destination is not active.',
	TRANSIT_GATEWAY_ATTACHMENT_ATTACH_ARN_NO_MATCH: 'The packet leaves by another attachment than the destination.',
	MAX_HOPS_EXCEEDED: 'The path has more hops than are followed.',
	POSSIBLE_MIDDLEBOX: 'The packet leaves for a VPC that may hold a middlebox; its attachment is not marked as one.',
	NO_DESTINATION_ARN_PROVIDED: 'No destination attachment was given.',
}

// result waits until an analysis is over.
async function result(gn, analysis) {
	for (;;) {
		const {RouteAnalysis: a} = await call('GetRouteAnalysis', {globalNetworkId: gn, routeAnalysisId: analysis})
		if (a.Status !== 'RUNNING') return a
		await new Promise((done) => setTimeout(done, 500))
	}
}

export function RouteAnalyzer({parts: [, gn], params}) {
	const attachments = useQuery(`gn ${gn} gateway-attachments`, () => pages('GetNetworkResources', {globalNetworkId: gn, resourceType: 'transit-gateway-attachment'}, 'NetworkResources'))
	const analysis = useQuery(params.analysis ? `gn ${gn} analysis ${params.analysis}` : null, () => result(gn, params.analysis))
	return <Page title="Route Analyzer" sub={<>The way of a packet between attachments of the transit gateways of global network <Id>{gn}</Id>: StartRouteAnalysis and GetRouteAnalysis. Ways through a core network are in the view Path of the core network.</>}>
		<InventoryTabs gn={gn} current="analyzer" />
		<Loaded of={attachments} what="attachments">{(list) => list.length === 0 ? <p class="empty">No attachments of transit gateways are known: register a transit gateway that the server's catalog has.</p> :
			<Question gn={gn} list={list} params={params} />}</Loaded>
		{params.analysis && <Loaded of={analysis} what="analysis">{(a) => <Answer of={a} />}</Loaded>}
	</Page>
}

function Question({gn, list, params}) {
	const given = {source: params.source ?? '', from: params.from ?? '', destination: params.destination ?? '', to: params.to ?? '', back: params.back ?? 'yes', middleboxes: params.middleboxes ?? ''}
	const [form, setForm] = useState(given)
	useLayoutEffect(() => setForm(given), [JSON.stringify(given)])
	const set = (name) => (value) => setForm({...form, [name]: value.trim()})
	const options = list.map((a) => [a.ResourceArn, [nameOf(a), id(a.ResourceArn), `on ${lastPart(a.RegisteredGatewayArn)}`].filter(Boolean).join(', ')])
	const run = async () => {
		const {RouteAnalysis: a} = await call('StartRouteAnalysis', {globalNetworkId: gn}, {
			Source: {TransitGatewayAttachmentArn: form.source, IpAddress: form.from || undefined}, Destination: {TransitGatewayAttachmentArn: form.destination, IpAddress: form.to},
			IncludeReturnPath: form.back === 'yes', UseMiddleboxes: form.middleboxes === 'yes',
		})
		setParams({...form, analysis: a.RouteAnalysisId}, {replace: false})
	}
	const missing = !form.source || !form.destination ? 'Choose both attachments.' : !form.to ? 'Give the destination address.' : form.back === 'yes' && !form.from ? 'The return path takes a source address.' : ''
	const check = (name, text) => <label><input type="checkbox" checked={form[name] === 'yes'} onChange={(e) => setForm({...form, [name]: e.currentTarget.checked ? 'yes' : name === 'back' ? 'no' : ''})} /> {text}</label>
	return <>
		<div class="filters">
			<Choice label="Source attachment" any="Choose…" value={form.source} options={options} onChange={set('source')} />
			<Field label="Source address" value={form.from} onInput={set('from')} placeholder="10.0.0.1" />
			<Choice label="Destination attachment" any="Choose…" value={form.destination} options={options} onChange={set('destination')} />
			<Field label="Destination address" value={form.to} onInput={set('to')} placeholder="10.1.0.1" />
		</div>
		<div class="filters">{check('back', 'Return path')}{check('middleboxes', 'Go on behind middleboxes')}
			<Act operation="StartRouteAnalysis" run={run} disabled={Boolean(missing)} why={missing}>Run the analysis</Act></div>
	</>
}

function Answer({of: a}) {
	return <>
		<Facts of={[['Analysis', <Id>{a.RouteAnalysisId}</Id>], ['Status', <State of={a.Status === 'COMPLETED' ? 'COMPLETE' : a.Status}>{a.Status}</State>], ['Started', time(a.StartTimestamp)],
			['Source', `${id(a.Source?.TransitGatewayAttachmentArn)} ${a.Source?.IpAddress ?? ''}`], ['Destination', `${id(a.Destination?.TransitGatewayAttachmentArn)} ${a.Destination?.IpAddress ?? ''}`], ['Middleboxes', a.UseMiddleboxes ? 'are gone through' : 'end the path']]} />
		{a.Status === 'FAILED' && <p class="failure" role="alert">The analysis failed: the transit gateways could not be looked up.</p>}
		<div class="two">
			{a.ForwardPath && <Way title="Forward path" of={a.ForwardPath} />}
			{a.ReturnPath && <Way title="Return path" of={a.ReturnPath} />}
		</div>
		{a.ForwardPath && a.IncludeReturnPath && !a.ReturnPath && <p class="hint">There is no return path without a forward path.</p>}
	</>
}

function Way({title, of: way}) {
	const {ResultCode: code, ReasonCode: reason, ReasonContext: context} = way.CompletionStatus ?? {}
	const connected = code === 'CONNECTED'
	return <section class="panel"><h2>{title}</h2>
		<p role="status"><State of={connected ? 'yes' : 'no'}>{code}</State> {reason && <><strong>{reason}</strong>: {reasons[reason] ?? ''}</>}</p>
		{context && <Facts of={Object.entries(context)} />}
		<Hops name={title.toLowerCase().replace(' ', '-')} title={title} steps={stepsOf(way, connected, reason)} />
	</section>
}

const kinds = {'transit-gateway': 'box', 'transit-gateway-route-table': 'box', 'transit-gateway-attachment': 'seg'}

function stepsOf(way, connected, reason) {
	const steps = (way.Path ?? []).map(({Resource: r, DestinationCidrBlock: cidr}) => ({
		edge: clip(id(r.RegisteredGatewayArn), 28), kind: r.IsMiddlebox ? 'grp' : kinds[r.ResourceType] ?? 'fresh', text: r.NameTag || lastPart(r.ResourceArn),
		note: [r.ResourceType.replace('transit-gateway-', ''), r.IsMiddlebox && 'a middlebox', r.NameTag && lastPart(r.ResourceArn), cidr].filter(Boolean).join(', '),
	}))
	if (!connected) steps.push({edge: steps.at(-1)?.edge ?? 'source', kind: 'lost', text: 'not connected', note: reason ?? ''})
	return steps
}
