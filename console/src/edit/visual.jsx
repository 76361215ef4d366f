// Visual is a form of segments, shares and inspection. It writes the same document as the text beside it, both ways.
import {useState} from 'preact/hooks'
import {Choice, Field} from '../ui/basics.jsx'

const list = (x) => Array.isArray(x) ? x : []

export function Visual({document, change}) {
	if (!document || typeof document !== 'object') return <p class="notice">The form follows once the text is JSON.</p>
	const edit = (f) => {
		const next = structuredClone(document)
		f(next)
		change(next)
	}
	const segments = list(document.segments).map((s) => s?.name).filter((n) => typeof n === 'string')
	const groups = list(document['network-function-groups']).map((g) => g?.name).filter((n) => typeof n === 'string')
	return <div class="panel">
		<h2>Segments</h2><Segments of={list(document.segments)} edit={edit} />
		<h2>Shares</h2><Shares of={list(document['segment-actions'])} segments={segments} edit={edit} />
		<h2>Inspection</h2><Inspection of={list(document['segment-actions'])} segments={segments} groups={groups} edit={edit} />
	</div>
}

// rename changes a name of a segment wherever the document refers to it.
function rename(document, from, to) {
	const refer = (x) => x === from ? to : x
	for (const s of list(document.segments)) {
		if (s.name === from) s.name = to
		for (const k of ['deny-filter', 'allow-filter']) if (Array.isArray(s[k])) s[k] = s[k].map(refer)
	}
	for (const a of list(document['segment-actions'])) {
		a.segment = refer(a.segment)
		if (Array.isArray(a['share-with'])) a['share-with'] = a['share-with'].map(refer)
		if (Array.isArray(a['share-with']?.except)) a['share-with'].except = a['share-with'].except.map(refer)
		if (Array.isArray(a['when-sent-to']?.segments)) a['when-sent-to'].segments = a['when-sent-to'].segments.map(refer)
	}
	for (const r of list(document['attachment-policies'])) if (r?.action?.segment === from) r.action.segment = to
}

function Segments({of, edit}) {
	const [name, setName] = useState('')
	const flag = (i, key, on) => edit((d) => { d.segments[i][key] = on })
	const add = (e) => {
		e.preventDefault()
		if (!name || of.some((s) => s?.name === name)) return
		edit((d) => { d.segments = [...list(d.segments), {name}] })
		setName('')
	}
	return <>
		<ul class="list">{of.map((s, i) => <li key={i} class="tools">
			<label class="field"><span class="hidden">Name of segment {i + 1}</span><input value={s?.name ?? ''} onChange={(e) => { const to = e.currentTarget.value; if (to && to !== s.name) edit((d) => rename(d, s.name, to)) }} /></label>
			<label><input type="checkbox" checked={s?.['isolate-attachments'] === true} onChange={(e) => flag(i, 'isolate-attachments', e.currentTarget.checked)} /> isolated</label>
			<label><input type="checkbox" checked={s?.['require-attachment-acceptance'] !== false} onChange={(e) => flag(i, 'require-attachment-acceptance', e.currentTarget.checked)} /> acceptance required</label>
			<button type="button" class="quiet" onClick={() => edit((d) => { d.segments.splice(i, 1) })} aria-label={`Remove segment ${s?.name}`}>Remove</button>
		</li>)}</ul>
		<form class="filters" onSubmit={add}><Field label="New segment" value={name} onInput={setName} /><button type="submit" disabled={!name}>Add</button></form>
	</>
}

const sharesWith = (a) => a['share-with'] === '*' ? ['*'] : list(a['share-with'])

function Shares({of, segments, edit}) {
	const [a, setA] = useState('')
	const [b, setB] = useState('')
	const shares = of.flatMap((x, i) => x?.action === 'share' ? [{...x, i}] : [])
	return <>
		<ul class="list">{shares.map((s) => <li key={s.i}><bdi>{s.segment}</bdi> with <bdi>{sharesWith(s).join(', ') || `all but ${list(s['share-with']?.except).join(', ')}`}</bdi>{' '}
			<button type="button" class="quiet" onClick={() => edit((d) => { d['segment-actions'].splice(s.i, 1) })} aria-label={`Remove the share of ${s.segment}`}>Remove</button></li>)}</ul>
		<div class="filters"><Choice label="Segment" any="Choose…" value={a} options={segments} onChange={setA} /><Choice label="Shared with" any="Choose…" value={b} options={['*', ...segments.filter((s) => s !== a)]} onChange={setB} />
			<button type="button" disabled={!a || !b} onClick={() => { edit((d) => { d['segment-actions'] = [...list(d['segment-actions']), {action: 'share', mode: 'attachment-route', segment: a, 'share-with': b === '*' ? '*' : [b]}] }); setA(''); setB('') }}>Share</button></div>
	</>
}

function Inspection({of, segments, groups, edit}) {
	const [form, setForm] = useState({segment: '', with: '', group: '', mode: 'dual-hop'})
	const set = (k) => (v) => setForm({...form, [k]: v})
	const shown = of.flatMap((x, i) => ['send-via', 'send-to'].includes(x?.action) ? [{...x, i}] : [])
	const add = () => {
		edit((d) => {
			d['segment-actions'] = [...list(d['segment-actions']), {action: 'send-via', segment: form.segment, mode: form.mode, 'when-sent-to': {segments: form.with === '*' ? '*' : [form.with]}, via: {'network-function-groups': [form.group]}}]
		})
		setForm({...form, segment: '', with: ''})
	}
	return <>
		<ul class="list">{shown.map((s) => <li key={s.i} class="tools"><bdi>{s.segment}</bdi> {s.action === 'send-to' ? 'sends to' : <>with <bdi>{[s['when-sent-to']?.segments ?? '*'].flat().join(', ')}</bdi> through</>} <bdi>{list(s.via?.['network-function-groups']).join(', ')}</bdi>
			{s.action === 'send-via' && <Choice label="Hop mode" value={s.mode} options={['dual-hop', 'single-hop']} onChange={(mode) => edit((d) => { d['segment-actions'][s.i].mode = mode })} />}
			<button type="button" class="quiet" onClick={() => edit((d) => { d['segment-actions'].splice(s.i, 1) })} aria-label={`Remove the inspection of ${s.segment}`}>Remove</button></li>)}</ul>
		{groups.length === 0 ? <p class="hint">The policy has no network function group. <button type="button" class="linkish" onClick={() => edit((d) => { d['network-function-groups'] = [{name: 'inspection', 'require-attachment-acceptance': true}] })}>Add one</button></p> :
			<div class="filters"><Choice label="Segment" any="Choose…" value={form.segment} options={segments} onChange={set('segment')} /><Choice label="With" any="Choose…" value={form.with} options={['*', ...segments]} onChange={set('with')} />
				<Choice label="Through" any="Choose…" value={form.group} options={groups} onChange={set('group')} /><Choice label="Hop mode" value={form.mode} options={['dual-hop', 'single-hop']} onChange={set('mode')} />
				<button type="button" disabled={!form.segment || !form.with || !form.group} onClick={add}>Inspect</button></div>}
	</>
}
