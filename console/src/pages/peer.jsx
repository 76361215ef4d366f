// ConnectPeer is one Connect peer: its BGP sessions, what is heard and advertised on them, what happened to them, and its device.
import {useMemo, useState} from 'preact/hooks'
import {HopPicture, stepsOfRoute} from '../draw/hops.jsx'
import {ask, call, control} from '../lib/api.js'
import {useCoreNetwork, useInventory, useSessions} from '../lib/data.js'
import {invalidate, useQuery} from '../lib/query.js'
import {A} from '../lib/router.jsx'
import {lastPart, nameOf, number, tags, time} from '../lib/text.js'
import {Act, Choice, Facts, Id, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'
import {Steps} from '../ui/why.jsx'
import {StatusChanges} from './monitoring.jsx'

export function ConnectPeer({parts: [, cn, , id]}) {
	const peer = useQuery(`cn ${cn} peer ${id}`, async () => (await call('GetConnectPeer', {connectPeerId: id})).ConnectPeer)
	const sessions = useSessions(cn)
	const mine = useMemo(() => sessions.data?.filter((s) => s.connectPeerId === id) ?? [], [sessions.data, id])
	return <Page title={nameOf(peer.data) || 'Connect peer'} sub={<>Connect peer <Id>{id}</Id></>}>
		<Loaded of={peer} what="Connect peer">{({Configuration: c = {}, ...p}) => <>
			<Facts of={[['State', <State of={p.State} />], ['Edge location', p.EdgeLocation], ['Connect attachment', <A to={['cn', cn, 'attachments']} params={{open: p.ConnectAttachmentId}}>{p.ConnectAttachmentId}</A>],
				['Protocol', c.Protocol], ['Core network address', c.CoreNetworkAddress], ['Peer address', c.PeerAddress], ['Inside CIDR blocks', (c.InsideCidrBlocks ?? []).join(', ')], ['Subnet', p.SubnetArn], ['Created', time(p.CreatedAt)], ['Tags', tags(p.Tags)],
				['Errors', (p.LastModificationErrors ?? []).map((e) => `${e.Code}: ${e.Message}`).join('; ')]]} />
			<Association cn={cn} peer={id} />
			<h2>BGP sessions</h2>
			{mine.length > 0 ? <Sessions cn={cn} id={id} of={mine} /> : <Configured of={c.BgpConfigurations ?? []} sessions={sessions} />}
			<Routes cn={cn} id={id} live={mine.length > 0} />
			<p><A to={['cn', cn, 'routes']} params={{edge: p.EdgeLocation}}>Route tables at {p.EdgeLocation}</A></p>
			<h2>Events of its BGP sessions</h2>
			<StatusChanges name={`bgp-events-${id}`} of={(d) => lastPart(d.connectPeerArn) === id} />
		</>}</Loaded>
	</Page>
}

// Configured are the sessions of a server that holds none.
function Configured({of, sessions}) {
	return <>
		<div class="plain" tabIndex={0} role="region" aria-label="BGP configurations"><table><caption class="hidden">BGP configurations</caption><thead><tr><th scope="col">Core network address</th><th scope="col">AS</th><th scope="col">Peer address</th><th scope="col">AS</th></tr></thead>
			<tbody>{of.map((b, i) => <tr key={i}><td>{b.CoreNetworkAddress}</td><td>{b.CoreNetworkAsn}</td><td>{b.PeerAddress}</td><td>{b.PeerAsn}</td></tr>)}</tbody></table></div>
		{sessions.error && <p class="hint">{sessions.error.message}</p>}
	</>
}

function Sessions({cn, id, of}) {
	const done = () => invalidate(`cn ${cn} `)
	const reset = (query) => () => control('POST', `bgp/sessions/${encodeURIComponent(id)}/reset`, {query})
	return <>
		<ul class="sessions">{of.map((s) => <li key={s.coreNetworkAddress} class="panel">
			<h3>{s.coreNetworkAddress} <State of={s.state === 'Established' ? 'UP' : 'DOWN'}>{s.state}</State></h3>
			{(s.problem || s.lastReason) && <p>{s.problem ? 'It cannot be held: ' : 'Last down: '}<bdi>{s.problem || s.lastReason}</bdi></p>}
			<Facts of={[['Since', time(s.since)], ['Core network', `${at(s.coreNetworkAddress, s.local)}, AS ${s.coreNetworkAsn}`], ['Peer', `${at(s.peerAddress, s.remote)}, AS ${s.peerAsn}`], ['Address families', s.families?.join(', ')], ['Hold time', s.holdTimeSeconds ? `${s.holdTimeSeconds} s` : ''],
				['Prefixes heard', number(s.heard) + (s.stale ? `, ${number(s.stale)} of them stale` : '')], ['Prefixes advertised', number(s.advertised) + (s.behind ? ', more wait to be sent' : '')], ['Flaps', number(s.flaps)], ['UPDATE messages', `${number(s.updatesIn)} received, ${number(s.updatesOut)} sent`],
				['Prefixes dropped for a loop', s.looped ? number(s.looped) : ''], ['Last malformed UPDATE', s.lastMalformed], ['Secured by', [s.md5 && 'TCP MD5', s.ttlSecurity && `GTSM, ${s.ttlSecurity} hops`].filter(Boolean).join(', ')], ['Network namespace', s.namespace]]} />
			<div class="actions"><Act control class="danger" confirm="The session ends, and comes back by itself." run={reset({address: s.coreNetworkAddress})} done={done}>Reset {s.coreNetworkAddress}</Act></div>
		</li>)}</ul>
		<div class="actions">
			<Act control class="quiet" run={reset({soft: 'true'})} done={done}>Soft reset</Act>
			<span class="hint">A soft reset leaves the sessions up: all routes are advertised again, and the router is asked for its own.</span>
		</div>
	</>
}

// at is an address, with the socket where that is another one.
const at = (address, socket) => socket && socket.replace(/:\d+$/, '') !== address ? `${address} at ${socket}` : address

const routeColumns = [
	{name: 'session', title: 'Session', text: (r) => r.coreNetworkAddress},
	{name: 'prefix', title: 'Prefix', text: (r) => r.prefix, cell: (r) => <code>{r.prefix}</code>},
	{name: 'hop', title: 'Next hop', text: (r) => r.nextHop},
	{name: 'aspath', title: 'AS path', text: (r) => (r.asPath ?? []).join(' ')},
	{name: 'med', title: 'MED', text: (r) => r.med},
	{name: 'pref', title: 'Local pref.', text: (r) => r.localPref},
	{name: 'comm', title: 'Communities', text: (r) => (r.communities ?? []).join(' ')},
	{name: 'stale', title: 'Stale', text: (r) => r.stale ? 'stale' : ''},
]
const [, ...withoutSession] = routeColumns

// Routes are what is heard and advertised: by session, or of a server without sessions what is announced for the peer and what
// would be advertised to it.
function Routes({cn, id, live}) {
	const path = `bgp/sessions/${encodeURIComponent(id)}/`
	const routes = (what) => async () => (await control('GET', path + what)).routes
	const heard = useQuery(`cn ${cn} heard ${id} ${live}`, live ? routes('heard') : () => control('GET', 'announcements/' + encodeURIComponent(id)))
	const advertised = useQuery(`cn ${cn} advertised ${id} ${live}`, live ? routes('advertised') : () => ask(cn, 'advertised', {attachment: id}))
	const [open, setOpen] = useState('')
	const why = {openKey: open, onOpen: setOpen, detail: (r) => <WhyAdvertised key={r.prefix} cn={cn} id={id} prefix={r.prefix} />}
	const part = (title, name, query, empty, more) => <><h2>{title}</h2><Loaded of={query} what="routes">{(list) => <Table name={`${name}-${id}`} caption={title} columns={live ? routeColumns : withoutSession} rows={list ?? []} keyOf={(r) => `${r.coreNetworkAddress ?? ''} ${r.prefix}`} tall={280} empty={empty} {...more} />}</Loaded></>
	return <>
		{part('Routes heard from it', 'heard', heard, live ? 'Nothing is heard.' : 'Nothing is announced.')}
		{part('Routes advertised to it', 'advertised', advertised, live ? 'Nothing is advertised: no session is up, or there is no route.' : 'Nothing is advertised.', why)}
	</>
}

// WhyAdvertised is the way of a route from where it is announced to the peer.
function WhyAdvertised({cn, id, prefix}) {
	const why = useQuery(`cn ${cn} advertised ${id} ${prefix}`, () => ask(cn, 'advertised', {attachment: id, prefix}))
	return <Loaded of={why} what="reasons">{(y) => <>
		<Steps cn={cn} of={y.steps} names={y.names} />
		{y.steps.length > 0 && <HopPicture name={`advertised-${prefix.replace('/', '-')}`} title={`Way of ${prefix} to the Connect peer`} steps={stepsOfRoute(y.steps, y.edge, y.names)} />}
	</>}</Loaded>
}

// Association associates a Connect peer with a device and takes that back.
function Association({cn, peer}) {
	const gn = useCoreNetwork(cn).data?.GlobalNetworkId
	const associations = useInventory(gn, 'connect-peer-associations')
	const association = associations.data?.find((a) => a.ConnectPeerId === peer)
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
	if (!associations.data) return <Loaded of={associations} what="its device">{() => null}</Loaded>
	const list = devices.data ?? []
	const chosen = list.find((d) => d.DeviceId === device)
	return <div class="filters">
		<Choice label="Associate with device" any="Choose…" value={device} options={list.map((d) => [d.DeviceId, nameOf(d) || d.Description || d.DeviceId])} onChange={setDevice} />
		<Choice label="Link, optional" any="None" value={link} options={(links.data ?? []).filter((l) => !chosen || l.SiteId === chosen.SiteId).map((l) => [l.LinkId, nameOf(l) || l.Description || l.LinkId])} onChange={setLink} />
		<Act operation="AssociateConnectPeer" run={() => call('AssociateConnectPeer', {globalNetworkId: gn}, {ConnectPeerId: peer, DeviceId: device, ...(link && {LinkId: link})})} done={refresh} disabled={!device} why="Choose a device.">Associate</Act>
	</div>
}
