// Peerings are those with transit gateways.
import {pages} from '../lib/api.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {lastPart, tags, time} from '../lib/text.js'
import {Facts, Id, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

const columns = [
	{name: 'id', title: 'Peering', text: (p) => p.PeeringId, cell: (p) => <Id>{p.PeeringId}</Id>},
	{name: 'type', title: 'Type', text: (p) => p.PeeringType},
	{name: 'state', title: 'State', text: (p) => p.State, cell: (p) => <State of={p.State} />},
	{name: 'edge', title: 'Edge location', text: (p) => p.EdgeLocation},
	{name: 'gateway', title: 'Transit gateway', text: (p) => lastPart(p.ResourceArn)},
	{name: 'account', title: 'Account', text: (p) => p.OwnerAccountId},
	{name: 'tags', title: 'Tags', text: (p) => tags(p.Tags)},
]

export function Peerings({parts: [, cn], params}) {
	const list = useQuery(`cn ${cn} peerings`, () => pages('ListPeerings', {coreNetworkId: cn}, 'Peerings'))
	return <Page title="Peerings">
		<Loaded of={list} what="peerings">{(rows) => <Table name="peerings" caption="Peerings" columns={columns} rows={rows} keyOf={(p) => p.PeeringId} openKey={params.open} onOpen={(open) => setParams({open})} empty="No peerings."
			detail={(p) => <Facts of={[['ARN of the transit gateway', p.ResourceArn], ['Created', time(p.CreatedAt)], ['Errors', (p.LastModificationErrors ?? []).map((e) => `${e.Code}: ${e.Message}`).join('; ')]]} />} />}</Loaded>
	</Page>
}
