// Path follows a packet and its answer, hop by hop.
import {useLayoutEffect, useState} from 'preact/hooks'
import {Hops, stepsOfWay} from '../draw/hops.jsx'
import {ask} from '../lib/api.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {withNames} from '../lib/text.js'
import {AttachmentField} from '../ui/attachment-field.jsx'
import {Field, Loaded, Page, State} from '../ui/basics.jsx'

export function Path({parts: [, cn], params}) {
	const given = {from: params.from ?? '', edge: params.edge ?? '', to: params.to ?? '', source: params.source ?? ''}
	const [form, setForm] = useState(given)
	useLayoutEffect(() => setForm(given), [JSON.stringify(given)])
	const set = (name) => (value) => setForm({...form, [name]: value.trim()})
	const asked = params.from && params.to
	const path = useQuery(asked ? `cn ${cn} path ${JSON.stringify([params.from, params.edge, params.to, params.source])}` : null, () => ask(cn, 'path', {from: params.from, edge: params.edge, to: params.to, source: params.source}))
	const submit = (e) => {
		e.preventDefault()
		setParams(form, {replace: false})
	}
	return <Page title="Path" sub="The way of a packet and of its answer through the route tables and the appliances between them.">
		<form class="filters" onSubmit={submit}>
			<AttachmentField cn={cn} label="From attachment" required value={form.from} onInput={set('from')} />
			<Field label="To address" required value={form.to} onInput={set('to')} placeholder="10.0.0.1" />
			<Field label="Source address, optional" value={form.source} onInput={set('source')} />
			<Field label="Edge location, of several" value={form.edge} onInput={set('edge')} />
			<button type="submit">Show the path</button>
		</form>
		{asked && <Loaded of={path} what="path">{(p) => <>
			<p role="status"><State of={p.verdict === 'delivered' ? 'delivered' : p.verdict === 'handed over' ? 'handed over' : 'no'}>{p.verdict}</State> <bdi>{withNames(p.reason, p.names)}</bdi></p>
			{p.notes?.length > 0 && <ul class="notice">{p.notes.map((n) => <li key={n}><bdi>{withNames(n, p.names)}</bdi></li>)}</ul>}
			<div class="two">
				<Way cn={cn} of={p.forward} names={p.names} title="Forward" />
				{p.return && <Way cn={cn} of={p.return} names={p.names} title="Return" />}
			</div>
		</>}</Loaded>}
	</Page>
}

function Way({cn, of: w, names, title}) {
	const steps = stepsOfWay(cn, w, names)
	return <section class="panel"><h2>{title}: <bdi>{names?.[w.from] ?? w.from}</bdi> to <bdi>{w.to}</bdi></h2>
		<Hops name={`path-${title.toLowerCase()}`} title={`${title} path`} steps={steps} />
	</section>
}
