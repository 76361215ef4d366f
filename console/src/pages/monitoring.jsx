// Monitoring is what GetNetworkTelemetry answers: which BGP sessions and IPsec tunnels are up, and since when.
import {useMemo} from 'preact/hooks'
import {pages} from '../lib/api.js'
import {useCoreNetwork} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {lastPart, number, time} from '../lib/text.js'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'
import {useEvents} from './events.jsx'

const kind = (t) => t.Health?.Type, status = (t) => t.Health?.Status

// Place is the resource of a row, as a link where there is a view of it.
function Place({cn, of: t}) {
	if (t.ResourceType === 'connect-peer') return <A to={['cn', cn, 'peers', t.ResourceId]}>{t.ResourceId}</A>
	const attachment = /attachment-\w+/.exec(t.ResourceArn ?? '')?.[0]
	return attachment ? <A to={['cn', cn, 'attachments']} params={{open: attachment}}>{t.ResourceId}</A> : t.ResourceId
}

export function Monitoring({parts: [, cn], params}) {
	const gn = useCoreNetwork(cn).data?.GlobalNetworkId
	const list = useQuery(gn ? `cn ${cn} telemetry` : null, () => pages('GetNetworkTelemetry', {globalNetworkId: gn, coreNetworkId: cn}, 'NetworkTelemetry'))
	const rows = useMemo(() => list.data?.map((t) => ({...t, key: `${t.ResourceArn} ${t.Address} ${kind(t)}`})).filter((t) =>
		(!params.kind || kind(t) === params.kind) && (!params.status || status(t) === params.status) && (!params.edge || t.AwsRegion === params.edge)), [list.data, params.kind, params.status, params.edge])
	const columns = useMemo(() => [
		{name: 'resource', title: 'Resource', text: (t) => t.ResourceId, cell: (t) => <Place cn={cn} of={t} />},
		{name: 'type', title: 'Resource type', text: (t) => t.ResourceType},
		{name: 'edge', title: 'Edge location', text: (t) => t.AwsRegion},
		{name: 'kind', title: 'Connection', text: kind},
		{name: 'address', title: 'Address', text: (t) => t.Address},
		{name: 'status', title: 'Status', text: status, cell: (t) => <State of={status(t)} />},
		{name: 'since', title: 'Since', text: (t) => time(t.Health?.Timestamp)},
		{name: 'account', title: 'Account', text: (t) => t.AccountId},
	], [cn])
	const values = (f) => [...new Set(list.data?.map(f).filter(Boolean))].sort()
	return <Page title="Monitoring" sub="BGP sessions of Connect peers, and tunnels of VPN connections with their BGP sessions.">
		<Loaded of={list} what="telemetry">{(all) => <>
			<ul class="cards" aria-label="Counts">{['UP', 'DOWN'].map((s) => <li key={s}><b>{number(all.filter((t) => status(t) === s).length)}</b><State of={s} /></li>)}</ul>
			<div class="filters">
				<Choice label="Connection" any="All" value={params.kind} options={values(kind)} onChange={(kind) => setParams({kind})} />
				<Choice label="Status" any="All" value={params.status} options={values(status)} onChange={(status) => setParams({status})} />
				<Choice label="Edge location" any="All" value={params.edge} options={values((t) => t.AwsRegion)} onChange={(edge) => setParams({edge})} />
			</div>
			<Table name="telemetry" caption="Connections" columns={columns} rows={rows} keyOf={(t) => t.key} initial={params.find} onFilter={(find) => setParams({find})} empty="Nothing is monitored: there are no Connect peers, and no VPN connections are known." />
			<h2>Status changes</h2><StatusChanges name={`status-changes-${cn}`} of={(d) => lastPart(d.coreNetworkArn) === cn} />
		</>}</Loaded>
	</Page>
}

const changeColumns = [
	{name: 'time', title: 'Time', text: (e) => time(e.event.time)},
	{name: 'change', title: 'Change', text: (e) => e.event.detail.changeType, cell: (e) => <State of={/(UP|ESTABLISH)$/.test(e.event.detail.changeType) ? 'UP' : 'DOWN'}>{e.event.detail.changeType}</State>},
	{name: 'edge', title: 'Edge location', text: (e) => e.event.detail.edgeLocation || e.event.detail.region},
	{name: 'about', title: 'About', text: (e) => lastPart(e.event.detail.connectPeerArn ?? e.event.detail.vpnConnectionArn ?? e.event.detail.attachmentArn)},
	{name: 'address', title: 'Address', text: (e) => e.event.detail.coreNetworkAddress ?? e.event.detail.outsideIpAddress},
	{name: 'text', title: 'Description', text: (e) => e.event.detail.changeDescription},
]

// StatusChanges are the latest events of connections that came up or went down; of tells of the detail of an event whether it is meant.
export function StatusChanges({name, of}) {
	const events = useEvents()
	const rows = useMemo(() => events.data?.filter((e) => e.event['detail-type'] === 'Network Manager Status Update' && of(e.event.detail)), [events.data, name])
	if (events.error?.denied) return <p class="hint">{events.error.message}</p>
	return <Loaded of={events} what="events">{() => <Table name={name} caption="Status changes, the latest first" columns={changeColumns} rows={rows} keyOf={(e) => e.token} tall={280} empty="None among the latest events." />}</Loaded>
}
