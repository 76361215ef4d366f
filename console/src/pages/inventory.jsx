// Inventory is sites, devices, links, connections and what is associated with them.
import {useMemo, useState} from 'preact/hooks'
import {call} from '../lib/api.js'
import {inventory, useInventory} from '../lib/data.js'
import {invalidate} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {lastPart, nameOf, tags, time} from '../lib/text.js'
import {Act, Choice, Facts, Id, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

const col = (name, title, text, cell) => ({name, title, text, cell})
const common = (id) => [
	col('id', 'Id', (r) => r[id], (r) => <Id>{r[id]}</Id>), col('name', 'Name', nameOf), col('description', 'Description', (r) => r.Description),
	col('state', 'State', (r) => r.State, (r) => <State of={r.State} />),
]
const at = (l) => l ? [l.Address, l.Latitude && l.Longitude ? `${l.Latitude}, ${l.Longitude}` : ''].filter(Boolean).join('; ') : ''
const tagColumn = col('tags', 'Tags', (r) => tags(r.Tags))
const removal = (operation, params) => ({gn, of}) => <Act operation={operation} class="danger" confirm="This cannot be taken back; it can be made again." run={() => call(operation, {globalNetworkId: gn, ...params(of)})} done={() => invalidate(`gn ${gn} `)}>Disassociate</Act>

// kinds are the lists of the inventory: columns, key, and what an open row shows beside its columns.
const kinds = {
	sites: {title: 'Sites', key: (r) => r.SiteId, columns: [...common('SiteId'), col('location', 'Location', (r) => at(r.Location)), tagColumn]},
	devices: {title: 'Devices', key: (r) => r.DeviceId, more: Device, columns: [...common('DeviceId'), col('site', 'Site', (r) => r.SiteId), col('vendor', 'Vendor', (r) => [r.Vendor, r.Model].filter(Boolean).join(' ')), col('type', 'Type', (r) => r.Type), col('location', 'Location', (r) => at(r.Location)), tagColumn]},
	links: {title: 'Links', key: (r) => r.LinkId, columns: [...common('LinkId'), col('site', 'Site', (r) => r.SiteId), col('provider', 'Provider', (r) => r.Provider), col('bandwidth', 'Mbit/s up / down', (r) => r.Bandwidth ? `${r.Bandwidth.UploadSpeed ?? '–'} / ${r.Bandwidth.DownloadSpeed ?? '–'}` : ''), col('type', 'Type', (r) => r.Type), tagColumn]},
	connections: {title: 'Connections', key: (r) => r.ConnectionId, columns: [...common('ConnectionId'), col('device', 'Device', (r) => r.DeviceId), col('other', 'Connected device', (r) => r.ConnectedDeviceId), col('link', 'Link', (r) => r.LinkId), tagColumn]},
	'link-associations': {title: 'Link associations', key: (r) => r.DeviceId + r.LinkId, more: removal('DisassociateLink', (r) => ({deviceId: r.DeviceId, linkId: r.LinkId})), columns: [col('device', 'Device', (r) => r.DeviceId), col('link', 'Link', (r) => r.LinkId), col('state', 'State', (r) => r.LinkAssociationState, (r) => <State of={r.LinkAssociationState} />)]},
	'connect-peer-associations': {title: 'Connect peer associations', key: (r) => r.ConnectPeerId, more: removal('DisassociateConnectPeer', (r) => ({connectPeerId: r.ConnectPeerId})), columns: [col('peer', 'Connect peer', (r) => r.ConnectPeerId), col('device', 'Device', (r) => r.DeviceId), col('link', 'Link', (r) => r.LinkId), col('state', 'State', (r) => r.State, (r) => <State of={r.State} />)]},
	'customer-gateways': {title: 'Customer gateway associations', key: (r) => r.CustomerGatewayArn, more: removal('DisassociateCustomerGateway', (r) => ({customerGatewayArn: r.CustomerGatewayArn})), columns: [col('gateway', 'Customer gateway', (r) => lastPart(r.CustomerGatewayArn)), col('device', 'Device', (r) => r.DeviceId), col('link', 'Link', (r) => r.LinkId), col('state', 'State', (r) => r.State, (r) => <State of={r.State} />)]},
	'transit-gateways': {title: 'Transit gateways', key: (r) => r.TransitGatewayArn, columns: [col('gateway', 'Transit gateway', (r) => lastPart(r.TransitGatewayArn)), col('arn', 'ARN', (r) => r.TransitGatewayArn), col('state', 'State', (r) => r.State?.Code, (r) => <State of={r.State?.Code} />), col('message', 'Message', (r) => r.State?.Message)]},
}

export function Inventory({parts: [, gn, kind = 'sites'], params}) {
	const known = kinds[kind] && inventory[kind]
	const list = useInventory(known ? gn : null, known ? kind : 'sites')
	if (!known) return <Page title="No such list"><p>There is nothing at this address.</p></Page>
	const {title, key, columns, more: Extra} = kinds[kind]
	const detail = (r) => <>
		<Facts of={[...columns.map((c) => [c.title, c.text(r)]), ['Created', time(r.CreatedAt)], ['Serial number', r.SerialNumber], ['Zone', r.AWSLocation?.Zone], ['ARN', r.SiteArn ?? r.DeviceArn ?? r.LinkArn ?? r.ConnectionArn]]} />
		{Extra && <Extra gn={gn} of={r} />}
	</>
	return <Page title={title} sub={<>Global network <Id>{gn}</Id></>}>
		<InventoryTabs gn={gn} current={kind} />
		{kind === 'link-associations' && <AssociateLink gn={gn} />}
		<Loaded of={list} what={title.toLowerCase()}>{(rows) => <Table key={kind} name={kind} caption={title} columns={columns} rows={rows} keyOf={key} detail={detail} initial={params.find} onFilter={(find) => setParams({find})} openKey={params.open} onOpen={(open) => setParams({open})} empty={`No ${title.toLowerCase()}.`} />}</Loaded>
	</Page>
}

export const InventoryTabs = ({gn, current}) => <ul class="tabs">{[...Object.entries(kinds), ['analyzer', {title: 'Route Analyzer'}]].map(([name, k]) =>
	<li key={name}><A to={['gn', gn, name]} aria-current={name === current ? 'page' : undefined}>{k.title}</A></li>)}</ul>

// Device has what is associated with it.
function Device({gn, of: d}) {
	const peers = useInventory(gn, 'connect-peer-associations'), links = useInventory(gn, 'link-associations'), gateways = useInventory(gn, 'customer-gateways')
	const mine = (q) => (q.data ?? []).filter((r) => r.DeviceId === d.DeviceId)
	const Peer = kinds['connect-peer-associations'].more, Link = kinds['link-associations'].more, Gateway = kinds['customer-gateways'].more
	const rows = [
		...mine(peers).map((r) => ['Connect peer', r.ConnectPeerId, r.State, <Peer gn={gn} of={r} />]),
		...mine(links).map((r) => ['Link', r.LinkId, r.LinkAssociationState, <Link gn={gn} of={r} />]),
		...mine(gateways).map((r) => ['Customer gateway', r.CustomerGatewayArn, r.State, <Gateway gn={gn} of={r} />]),
	]
	if (!rows.length) return <p class="empty">Nothing is associated with the device.</p>
	return <><h2>Associated with it</h2><ul class="list">{rows.map(([kind, id, state, act]) => <li key={id}>{kind} <Id>{id}</Id> <State of={state} /> {act}</li>)}</ul></>
}

function AssociateLink({gn}) {
	const devices = useInventory(gn, 'devices'), links = useInventory(gn, 'links')
	const [device, setDevice] = useState('')
	const [link, setLink] = useState('')
	const of = useMemo(() => devices.data?.find((d) => d.DeviceId === device), [devices.data, device])
	const name = (r, id) => [r[id], nameOf(r) || r.Description || r[id]]
	return <div class="filters">
		<Choice label="Device" any="Choose…" value={device} options={(devices.data ?? []).map((d) => name(d, 'DeviceId'))} onChange={setDevice} />
		<Choice label="Link of its site" any="Choose…" value={link} options={(links.data ?? []).filter((l) => of && l.SiteId === of.SiteId).map((l) => name(l, 'LinkId'))} onChange={setLink} />
		<Act operation="AssociateLink" run={() => call('AssociateLink', {globalNetworkId: gn}, {DeviceId: device, LinkId: link})} done={() => invalidate(`gn ${gn} `)} disabled={!device || !link} why="Choose a device and a link.">Associate</Act>
	</div>
}
