// Path follows a packet and its answer, hop by hop.
import {useState} from 'preact/hooks'
import {ask} from '../lib/api.js'
import {useAttachments} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {nameOf} from '../lib/text.js'
import {Field, Loaded, Page, State} from '../ui/basics.jsx'
import {Picture, clip} from '../ui/picture.jsx'

export function Path({parts: [, cn], params}) {
	const attachments = useAttachments(cn)
	const [form, setForm] = useState({from: params.from ?? '', edge: params.edge ?? '', to: params.to ?? '', source: params.source ?? ''})
	const set = (name) => (value) => setForm({...form, [name]: value.trim()})
	const asked = params.from && params.to
	const path = useQuery(asked ? `cn ${cn} path ${JSON.stringify([params.from, params.edge, params.to, params.source])}` : null, () => ask(cn, 'path', {from: params.from, edge: params.edge, to: params.to, source: params.source}))
	const submit = (e) => {
		e.preventDefault()
		setParams(form, {replace: false})
	}
	const from = attachments.data?.find((a) => a.AttachmentId === form.from)
	return <Page title="Path" sub="The way of a packet and of its answer through the route tables and the appliances between them.">
		<form class="filters" onSubmit={submit}>
			<Field label="From attachment" required value={form.from} onInput={set('from')} list="attachments" wide hint={from && (nameOf(from) || from.SegmentName)} />
			<datalist id="attachments">{(attachments.data ?? []).slice(0, 1000).map((a) => <option key={a.AttachmentId} value={a.AttachmentId}>{nameOf(a)} {a.SegmentName} {a.EdgeLocation}</option>)}</datalist>
			<Field label="To address" required value={form.to} onInput={set('to')} placeholder="10.0.0.1" />
			<Field label="Source address, optional" value={form.source} onInput={set('source')} />
			<Field label="Edge location, of several" value={form.edge} onInput={set('edge')} />
			<button type="submit">Show the path</button>
		</form>
		{asked && <Loaded of={path} what="path">{(p) => <>
			<p role="status"><State of={p.verdict === 'delivered' ? 'delivered' : p.verdict === 'handed over' ? 'handed over' : 'no'}>{p.verdict}</State> <bdi>{p.reason}</bdi></p>
			<Way of={p.forward} title="Forward" />
			{p.return && <Way of={p.return} title="Return" />}
		</>}</Loaded>}
	</Page>
}

const across = 170

function Way({of: w, title}) {
	const places = [{text: w.from, note: w.edge, kind: 'seg'}]
	w.hops.forEach((h) => {
		places.push({text: h.table, note: h.prefix || 'no route', kind: h.prefix && h.state !== 'blackhole' ? 'box' : 'lost'})
		const hop = h.destinations?.[0] ?? ''
		const inspected = w.inspections.find((i) => i.attachment && hop.includes(i.attachment))
		if (inspected) places.push({text: inspected.networkFunctionGroup, note: inspected.attachment, kind: 'grp'})
	})
	places.push({text: w.at || w.to, note: w.to, kind: w.verdict === 'delivered' ? 'fresh' : 'lost'})
	const width = places.length * across + 20
	return <section class="panel"><h2>{title}: <bdi>{w.from}</bdi> to <bdi>{w.to}</bdi></h2>
		<Picture name={`path-${title.toLowerCase()}`} title={`${title} path`} width={width} height={90}>
			{places.map((p, i) => <g key={i}>
				{i > 0 && <path class="via" d={`M${i * across - 20 + 10} 45h24l-6 -4m6 4l-6 4`} />}
				<rect class={p.kind} x={i * across + 10 + (i > 0 ? 6 : 0)} y={18} width={across - 34} height={54} rx={5} />
				<text class="strong" x={i * across + 22} y={42}><title>{p.text}</title>{clip(p.text, 16)}</text>
				<text class="note" x={i * across + 22} y={60}><title>{p.note}</title>{clip(p.note, 18)}</text>
			</g>)}
		</Picture>
		<ol class="hops" aria-label={`Hops of the ${title.toLowerCase()} path`}>
			{w.hops.map((h, i) => <li key={i} class={h.prefix && h.state !== 'blackhole' ? '' : 'bad'}><strong><bdi>{h.table}</bdi></strong>: {h.prefix ? <><code>{h.prefix}</code> → <bdi>{h.destinations?.join(', ') || 'blackhole'}</bdi></> : 'no route'}</li>)}
			{w.inspections.map((i) => <li key={i.attachment + i.edge} class="inspect">Inspected by <strong><bdi>{i.networkFunctionGroup}</bdi></strong> at {i.edge}, {i.attachment}</li>)}
			<li class={w.verdict === 'delivered' ? '' : 'bad'}><State of={w.verdict === 'delivered' ? 'delivered' : 'no'}>{w.verdict}</State> <bdi>{w.reason}</bdi></li>
		</ol>
	</section>
}
