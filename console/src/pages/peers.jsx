// ConnectPeers are the Connect peers, each with how many of its BGP sessions are up and its device.
import {useMemo} from 'preact/hooks'
import {useCoreNetwork, useInventory, usePeers, useSessions} from '../lib/data.js'
import {A, setParams} from '../lib/router.jsx'
import {nameOf, tags, time} from '../lib/text.js'
import {Id, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function ConnectPeers({parts: [, cn], params}) {
	const peers = usePeers(cn)
	const core = useCoreNetwork(cn)
	const associations = useInventory(core.data?.GlobalNetworkId, 'connect-peer-associations')
	const sessions = useSessions(cn)
	const device = useMemo(() => new Map(associations.data?.filter((a) => a.State !== 'DELETED').map((a) => [a.ConnectPeerId, a.DeviceId])), [associations.data])
	const up = useMemo(() => {
		const count = new Map()
		for (const s of sessions.data ?? []) {
			const c = count.get(s.connectPeerId) ?? {up: 0, of: 0}
			count.set(s.connectPeerId, {up: c.up + (s.state === 'Established'), of: c.of + 1})
		}
		return count
	}, [sessions.data])
	const columns = useMemo(() => {
		const bgp = (p) => { const c = up.get(p.ConnectPeerId); return c ? `${c.up} of ${c.of} up` : '' }
		return [
			{name: 'id', title: 'Connect peer', text: (p) => p.ConnectPeerId, cell: (p) => <A to={['cn', cn, 'peers', p.ConnectPeerId]}><Id>{p.ConnectPeerId}</Id></A>},
			{name: 'name', title: 'Name', text: nameOf},
			{name: 'state', title: 'State', text: (p) => p.ConnectPeerState, cell: (p) => <State of={p.ConnectPeerState} />},
			{name: 'bgp', title: 'BGP sessions', text: bgp, cell: (p) => { const c = up.get(p.ConnectPeerId); return c && <State of={c.up === c.of ? 'UP' : c.up ? 'partly' : 'DOWN'}>{bgp(p)}</State> }},
			{name: 'edge', title: 'Edge location', text: (p) => p.EdgeLocation},
			{name: 'attachment', title: 'Connect attachment', text: (p) => p.ConnectAttachmentId, cell: (p) => <A to={['cn', cn, 'attachments']} params={{open: p.ConnectAttachmentId}}>{p.ConnectAttachmentId}</A>},
			{name: 'device', title: 'Device', text: (p) => device.get(p.ConnectPeerId)},
			{name: 'created', title: 'Created', text: (p) => time(p.CreatedAt)},
			{name: 'tags', title: 'Tags', text: (p) => tags(p.Tags)},
		]
	}, [cn, device, up])
	return <Page title="Connect peers">
		<Loaded of={peers} what="Connect peers">{(list) => <Table name="connect-peers" caption="Connect peers" columns={columns} rows={list} keyOf={(p) => p.ConnectPeerId} initial={params.find} onFilter={(find) => setParams({find})} empty="No Connect peers." />}</Loaded>
	</Page>
}
