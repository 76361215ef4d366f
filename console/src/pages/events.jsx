// Events are what happens, as it happens.
import {useEffect, useMemo, useReducer} from 'preact/hooks'
import {setParams} from '../lib/router.jsx'
import {recall, stream} from '../lib/stream.js'
import {lastPart, time} from '../lib/text.js'
import {Choice, Failure, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function useStream() {
	const [, render] = useReducer((n) => n + 1, 0)
	useEffect(() => {
		if (!stream.earlier) recall()
		return stream.listen(render)
	}, [])
	return stream
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
	const {events, open, refused} = useStream()
	const shown = useMemo(() => events.filter((e) => !params.type || e.event['detail-type'] === params.type), [events, params.type])
	return <Page title="Events" sub={<State of={open ? 'UP' : 'DOWN'}>{open ? 'live' : 'not connected'}</State>}>
		<Failure error={refused} />
		<div class="filters"><Choice label="Type" any="All" value={params.type} options={[...new Set(events.map((e) => e.event['detail-type']))].sort()} onChange={(type) => setParams({type})} /></div>
		<Table name="events" caption="Events, the latest first" columns={columns} rows={shown} keyOf={(e) => e.token} openKey={params.open} onOpen={(open) => setParams({open})} initial={params.find} onFilter={(find) => setParams({find})}
			detail={(e) => <pre>{JSON.stringify(e.event, null, 2)}</pre>} empty="Nothing has happened yet." />
	</Page>
}
