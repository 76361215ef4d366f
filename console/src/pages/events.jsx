// Events are what happens, as it happens.
import {useMemo} from 'preact/hooks'
import {control} from '../lib/api.js'
import {useChanges} from '../lib/changes.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {stream} from '../lib/stream.js'
import {lastPart, time} from '../lib/text.js'
import {Choice, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

// useEvents are the latest events as a query: what has come since the page was opened, and what happened before.
export function useEvents() {
	useChanges(stream.listen)
	const before = useQuery('events', async () => (await control('GET', 'events', {query: {last: 100}})).events.reverse())
	const data = useMemo(() => {
		const known = new Set(stream.events.map((e) => e.token))
		return before.data && [...stream.events, ...before.data.filter((e) => !known.has(e.token))]
	}, [stream.events, before.data])
	return {...before, data}
}

const columns = [
	{name: 'time', title: 'Time', text: (e) => time(e.event.time)},
	{name: 'change', title: 'Change', text: (e) => e.event.detail.changeType},
	{name: 'type', title: 'Type', text: (e) => e.event['detail-type'].replace('Network Manager ', '')},
	{name: 'edge', title: 'Edge location', text: (e) => e.event.detail.edgeLocation || e.event.detail.region},
	{name: 'what', title: 'About', text: about},
	{name: 'text', title: 'Description', text: (e) => e.event.detail.changeDescription},
]

function about({event: {detail}}) {
	const ids = Object.entries(detail).filter(([k]) => /Arn$/.test(k) && k !== 'coreNetworkArn').map(([, v]) => lastPart(v))
	return [...(detail.segments ?? []), detail.segmentName, ...ids].filter(Boolean).join(' ')
}

export function Events({params}) {
	const events = useEvents()
	const shown = useMemo(() => events.data?.filter((e) => !params.type || e.event['detail-type'] === params.type), [events.data, params.type])
	return <Page title="Events" sub={<State of={stream.open ? 'UP' : 'DOWN'}>{stream.open ? 'live' : 'not connected'}</State>}>
		<Loaded of={events} what="events">{(all) => <>
			<div class="filters"><Choice label="Type" any="All" value={params.type} options={[...new Set(all.map((e) => e.event['detail-type']))].sort()} onChange={(type) => setParams({type})} /></div>
			<Table name="events" caption="Events, the latest first" columns={columns} rows={shown} keyOf={(e) => e.token} openKey={params.open} onOpen={(open) => setParams({open})} initial={params.find} onFilter={(find) => setParams({find})}
				detail={(e) => <pre>{JSON.stringify(e.event, null, 2)}</pre>} empty="Nothing has happened yet." />
		</>}</Loaded>
	</Page>
}
