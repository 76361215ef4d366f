// ConnectPeers are the Connect peers with what they announce and what is advertised to them, their BGP sessions, and the
// device each is associated with.
import {useMemo, useState} from 'preact/hooks'
import {ask, call, control} from '../lib/api.js'
import {useCoreNetwork, useInventory, usePeers} from '../lib/data.js'
import {invalidate, useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {nameOf, tags, time} from '../lib/text.js'
import {Act, Choice, Facts, Id, Loaded, More, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function ConnectPeers({parts: [, cn], params}) {
	const peers = usePeers(cn)
	const core = useCoreNetwork(cn)
	const gn = core.data?.GlobalNetworkId
	const associations = useInventory(gn, 'connect-peer-associations')
	const of = useMemo(() => new Map(associations.data?.map((a) => [a.ConnectPeerId, a])), [associations.data])
	const columns = useMemo(() => [
		{name: 'id', title: 'Connect peer', text: (p) => p.ConnectPeerId, cell: (p) => <Id>{p.ConnectPeerId}</Id>},
		{name: 'name', title: 'Name', text: nameOf},
		{name: 'state', title: 'State', text: (p) => p.ConnectPeerState, cell: (p) => <State of={p.ConnectPeerState} />},
		{name: 'edge', title: 'Edge location', text: (p) => p.EdgeLocation},
		{name: 'attachment', title: 'Connect attachment', text: (p) => p.ConnectAttachmentId, cell: (p) => <A to={['cn', cn, 'attachments']} params={{open: p.ConnectAttachmentId}}>{p.ConnectAttachmentId}</A>},
		{name: 'device', title: 'Device', text: (p) => of.get(p.ConnectPeerId)?.DeviceId},
		{name: 'association', title: 'Association', text: (p) => of.get(p.ConnectPeerId)?.State, cell: (p) => <State of={of.get(p.ConnectPeerId)?.State} />},
		{name: 'created', title: 'Created', text: (p) => time(p.CreatedAt)},
		{name: 'tags', title: 'Tags', text: (p) => tags(p.Tags)},
	], [cn, of])
	return <Page title="Connect peers">
		<Loaded of={peers} what="Connect peers">{(list) => <Table name="connect-peers" caption="Connect peers" columns={columns} rows={list} keyOf={(p) => p.ConnectPeerId} initial={params.find} onFilter={(find) => setParams({find})}
			openKey={params.open} onOpen={(open) => setParams({open})} detail={(p) => <Peer key={p.ConnectPeerId} cn={cn} gn={gn} of={p} association={of.get(p.ConnectPeerId)} />} empty="No Connect peers." />}</Loaded>
	</Page>
}

function Peer({cn, gn, of: p, association}) {
	const id = p.ConnectPeerId
	const peer = useQuery(`cn ${cn} peer ${id}`, async () => (await call('GetConnectPeer', {connectPeerId: id})).ConnectPeer)
	const heard = useQuery(`cn ${cn} announced ${id}`, () => control('GET', 'announcements/' + encodeURIComponent(id)))
	const advertised = useQuery(`cn ${cn} advertised ${id}`, () => ask(cn, 'advertised', {attachment: id}))
	return <>
		<Loaded of={peer} what="Connect peer">{({Configuration: c = {}, ...x}) => <>
			<Facts of={[['Protocol', c.Protocol], ['Core network address', c.CoreNetworkAddress], ['Peer address', c.PeerAddress], ['Inside CIDR blocks', (c.InsideCidrBlocks ?? []).join(', ')], ['Subnet', x.SubnetArn], ['Created', time(x.CreatedAt)],
				['Errors', (x.LastModificationErrors ?? []).map((e) => `${e.Code}: ${e.Message}`).join('; ')]]} />
			<h2>BGP</h2>
			<div class="plain"><table><caption class="hidden">BGP configurations</caption><thead><tr><th scope="col">Core network</th><th scope="col">AS</th><th scope="col">Peer</th><th scope="col">AS</th></tr></thead>
				<tbody>{(c.BgpConfigurations ?? []).map((b, i) => <tr key={i}><td>{b.CoreNetworkAddress}</td><td>{b.CoreNetworkAsn}</td><td>{b.PeerAddress}</td><td>{b.PeerAsn}</td></tr>)}</tbody></table></div>
		</>}</Loaded>
		<Association gn={gn} peer={id} association={association} />
		<div class="two">
			<section><h2>Heard from it</h2><Loaded of={heard}>{(list) => list?.length ? <ul>{list.map((x) => <li key={x.prefix}><code>{x.prefix}</code>{x.asPath?.length ? ` AS path ${x.asPath.join(' ')}` : ''}{x.med ? ` MED ${x.med}` : ''}{x.communities?.length ? ` ${x.communities.join(' ')}` : ''}</li>)}</ul> : <p class="empty">Nothing is announced.</p>}</Loaded></section>
			<section><h2>Advertised to it</h2><Loaded of={advertised}>{(list) => list.length ? <ul>{list.map((x) => <li key={x.prefix}><code>{x.prefix}</code>{x.asPath?.length ? ` AS path ${x.asPath.join(' ')}` : ''}</li>)}</ul> : <p class="empty">Nothing is advertised.</p>}</Loaded></section>
		</div>
		<More summary="Routes by prefix"><A to={['cn', cn, 'routes']} params={{edge: p.EdgeLocation}}>Route tables at {p.EdgeLocation}</A></More>
	</>
}

// Association associates a Connect peer with a device and takes that back.
function Association({gn, peer, association}) {
	const devices = useInventory(gn, 'devices')
	const links = useInventory(gn, 'links')
	const [device, setDevice] = useState('')
	const [link, setLink] = useState('')
	const refresh = () => invalidate(`gn ${gn} `)
	if (association && association.State !== 'DELETED') {
		return <p><strong>Associated</strong> with device <A to={['gn', gn, 'devices']} params={{open: association.DeviceId}}>{association.DeviceId}</A>{association.LinkId ? `, link ${association.LinkId}` : ''} <State of={association.State} />{' '}
			<Act operation="DisassociateConnectPeer" class="danger" confirm="The Connect peer leaves the device; its sessions and routes stay." run={() => call('DisassociateConnectPeer', {globalNetworkId: gn, connectPeerId: peer})} done={refresh}
				disabled={association.State === 'DELETING'} why="It is being disassociated.">Disassociate</Act></p>
	}
	const list = devices.data ?? []
	const at = list.find((d) => d.DeviceId === device)
	return <div class="filters">
		<Choice label="Associate with device" any="Choose…" value={device} options={list.map((d) => [d.DeviceId, nameOf(d) || d.Description || d.DeviceId])} onChange={setDevice} />
		<Choice label="Link, optional" any="None" value={link} options={(links.data ?? []).filter((l) => !at || l.SiteId === at.SiteId).map((l) => [l.LinkId, nameOf(l) || l.Description || l.LinkId])} onChange={setLink} />
		<Act operation="AssociateConnectPeer" run={() => call('AssociateConnectPeer', {globalNetworkId: gn}, {ConnectPeerId: peer, DeviceId: device, ...(link && {LinkId: link})})} done={refresh} disabled={!device} why="Choose a device.">Associate</Act>
	</div>
}
