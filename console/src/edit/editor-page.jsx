// EditorPage is where a policy is written: findings at the cursor, what it would do beside it, and sending it.
import {useEffect, useMemo, useRef, useState} from 'preact/hooks'
import {askWith, call, control} from '../lib/api.js'
import {useLive, usePolicy, useVersions} from '../lib/data.js'
import {latest} from '../lib/latest.js'
import {invalidate} from '../lib/query.js'
import {address, go, setParams} from '../lib/router.jsx'
import {preference, session} from '../lib/session.js'
import {Act, Failure, Field, Loaded, Page, State} from '../ui/basics.jsx'
import {PlanSummary} from '../ui/plan.jsx'
import {Table} from '../ui/table.jsx'
import {Failures} from '../pages/assertions.jsx'
import {columns, differences} from '../pages/compare.jsx'
import {pretty} from '../pages/policy-version.jsx'
import {fixesOf, mark, open, positionOf, replace, show, textOf} from './code.js'
import {nodeAt, pathOf, unquote, usages} from './tree.js'
import {BeforeAfter} from './before-after.jsx'
import {Visual} from './visual.jsx'

const begin = `{
  "version": "2021.12",
  "core-network-configuration": {
    "asn-ranges": ["64512-64555"],
    "edge-locations": [{"location": "us-east-1"}]
  },
  "segments": [{"name": "prod"}]
}`

export function EditorPage({parts: [, cn], params}) {
	const versions = useVersions(cn)
	const wanted = params.version || (versions.data?.length ? 'LATEST' : '')
	const policy = usePolicy(cn, wanted)
	const empty = versions.data && !versions.data.length
	// What is written is of the version that was there when it was begun, whatever is put meanwhile and whatever cannot be had any more.
	const begun = useRef({})
	if (!begun.current.since || begun.current.version !== params.version) begun.current = {version: params.version, since: performance.now()}
	const isNew = ({loading, at}) => !loading || at >= begun.current.since // while events come it is always loading
	if (!begun.current.text && isNew(versions) && (empty || policy.data && isNew(policy))) {
		const [base] = empty ? [] : [policy.data]
		Object.assign(begun.current, {base, newest: (params.version ? versions.data?.[0] : base)?.PolicyVersionId, text: base ? pretty(base.PolicyDocument) : begin})
	}
	return <Page title="Policy editor" sub="What AWS would refuse and what lint advises is shown as you type; beside it, what the policy would do. Nothing is sent before Put.">
		{begun.current.text ? <Editor key={params.version} cn={cn} {...begun.current} params={params} /> : <Loaded of={versions.error ? versions : {...policy, data: undefined}} what="policy" />}
	</Page>
}

// useLatest is the latest answer about values that change, and what asks about another one: see latest. Beside what it shows, told may
// do something with an answer.
function useLatest(ask, {rest, told} = {}) {
	const [answer, set] = useState({})
	const now = useRef()
	now.current = {ask, told}
	const [job] = useState(() => latest((of, signal) => now.current.ask(of, signal), (a) => { now.current.told?.(a); set(a) }, rest))
	useEffect(() => job.end, [])
	return [answer, job.about]
}

const schemas = new Map() // answers about JSON Schemas by version of the policy language

// schemaOf is the JSON Schema of the version of the policy language that a text has, or of all versions; null where it cannot be had.
async function schemaOf(text) {
	for (const version of [/"version"\s*:\s*"([\d.]+)"/.exec(text)?.[1], '']) {
		if (!schemas.has(version)) schemas.set(version, control('GET', 'policy/schema', {query: {version}}))
		try {
			return await schemas.get(version)
		} catch {
			schemas.delete(version)
		}
	}
	return null
}

function Editor({cn, base, newest, text: initial, params}) {
	const box = useRef(), view = useRef()
	const [text, setText] = useState(initial)
	const [cursor, setCursor] = useState(null)
	const assertions = preference('assertions.' + cn) ?? ''
	const document = useMemo(() => {
		try {
			return JSON.parse(text)
		} catch {
			return null
		}
	}, [text])
	const live = useLive(cn)
	const asked = useRef(null) // the text that findings are awaited for
	const [lint, look] = useLatest((of, signal) => {
		asked.current = of
		return control('POST', 'policy/lint', {query: {'core-network': live ? cn : ''}, body: of.text, signal})
	}, {told: ({of, data}) => {
		if (data) mark(view.current, data.findings, of)
		if (live && data?.valid && (of.text !== initial || !base)) workOut(of.text)
	}})
	const lintOld = lint.of?.text !== text
	// A key that may not ask for findings puts what is JSON: the API checks it, too.
	const valid = lint.error?.denied ? Boolean(document) : lint.data?.valid && !lintOld
	const changed = text !== initial || !base
	const [plan, workOut] = useLatest((policy, signal) => askWith(cn, 'what-if', {policy, routes: 500, ...(assertions.trim() && {assertions})}, {signal}), {rest: 50})
	const ready = useRef(false)
	useEffect(() => {
		view.current = open(box.current, initial, {
			changed: (u) => {
				asked.current?.since(u.changes)
				const of = textOf(u.state)
				setText(of.text)
				if (ready.current) look(of)
			},
			schemaOf,
			moved: (v) => setCursor({...pathOf(v.state, v.state.selection.main.head), at: v.state.selection.main.head}),
		})
		if (params.path) {
			const node = nodeAt(view.current.state, params.path)
			if (node) show(view.current, node)
		}
		return () => view.current.destroy()
	}, [])
	useEffect(() => {
		ready.current = live !== undefined
		if (ready.current) look(textOf(view.current.state))
	}, [live && live.PolicyVersionId])
	const [newer, setNewer] = useState(null) // the version that was put meanwhile, {id, rows}: rows are what differs, where that can be had
	const put = async (over) => {
		const reply = await call('PutCoreNetworkPolicy', {coreNetworkId: cn}, {PolicyDocument: text, Description: description || undefined, LatestVersionId: over}).catch(async (error) => {
			if (error.type === 'ConflictException') await seek(over).catch(() => {}) // what is said is why it was not put
			throw error
		})
		invalidate(`cn ${cn} `)
		go(address(['cn', cn, 'policy', String(reply.CoreNetworkPolicy.PolicyVersionId)]))
	}
	const seek = async (over) => {
		const {CoreNetworkPolicy: of} = await call('GetCoreNetworkPolicy', {coreNetworkId: cn, alias: 'LATEST'})
		if (of.PolicyVersionId !== over) setNewer({id: of.PolicyVersionId, rows: base && await differences(base.PolicyDocument, of.PolicyDocument).catch(() => null)})
	}
	const [description, setDescription] = useState('')
	const visual = params.view === 'visual'
	const format = async () => replace(view.current, (await control('POST', 'policy/format', {body: text})).document)
	return <>
		<div class="actions">
			<button type="button" class="quiet" aria-pressed={visual} onClick={() => setParams({view: visual ? '' : 'visual'})}>{visual ? 'Hide the form' : 'Form of segments, shares and inspection'}</button>
			<Act control class="quiet" run={format} disabled={!document} why="The text is not JSON.">Format</Act>
			<button type="button" class="quiet" disabled={text === initial} onClick={() => replace(view.current, initial)}>Back to {base ? `version ${base.PolicyVersionId}` : 'the beginning'}</button>
			<Field label="Description of the new version" value={description} onInput={setDescription} />
			<Act operation="PutCoreNetworkPolicy" run={() => put(newest)} disabled={!valid || !changed} why={!changed ? 'Nothing is changed yet.' : session.reachable ? 'The policy is not valid.' : 'The server cannot be reached.'}>Put as a new version</Act>
		</div>
		{newer && <section class="notice"><h2>Version {newer.id} was put meanwhile</h2>
			<p>What is put now takes its place.</p>
			{newer.rows && <Table name="newer" caption={`Differences of version ${newer.id} from version ${base.PolicyVersionId}`} columns={columns} rows={newer.rows} keyOf={(c) => c.i} tall={280} empty="Both mean the same." />}
			<Act operation="PutCoreNetworkPolicy" run={() => put(newer.id)} disabled={!valid || !changed} why="The policy is not valid.">Put all the same</Act>
		</section>}
		<div class="editor">
			<div>
				{visual && <Visual document={document} change={(next) => replace(view.current, JSON.stringify(next, null, 2))} />}
				<div class="cm" ref={box} />
				<Cursor view={view} cursor={cursor} text={text} />
			</div>
			<aside aria-label="Findings and plan">
				<Findings lint={lint} old={lintOld} view={view} />
				<section class="panel" aria-busy={changed && plan.of !== text || undefined}>
					<h2>What it would do{changed && plan.data && plan.of !== text && <Earlier />}</h2>
					{live === null ? <p class="empty">No policy is in force: all of it is new.</p> : !changed ? <p class="empty">Nothing is changed yet.</p> : lint.error?.denied ? <Failure error={lint.error} /> :
						plan.error && lint.data?.valid ? <Failure error={plan.error} /> : plan.data ? <>
							{lint.data && !lint.data.valid && <p class="hint">The policy has errors. What its last text without errors would do:</p>}
							<PlanSummary of={plan.data} />
							{plan.data.assertions && <section><h3>Assertions: {plan.data.assertions.holding} of {plan.data.assertions.total} hold</h3><Failures of={plan.data.assertions} /></section>}
							{!plan.data.empty && <BeforeAfter before={plan.data.before} after={plan.data.after} />}
						</> : lint.data && !lint.data.valid ? <p class="empty">The policy has errors.</p> : <p class="loading" role="status">Being worked out…</p>}
				</section>
				<Outline document={document} view={view} />
			</aside>
		</div>
	</>
}

// Earlier marks an answer about a text that has changed since. It is not seen before some time has passed: most answers come sooner.
const Earlier = () => <> <span class="state mid earlier">of an earlier text</span></>

function Findings({lint, old, view}) {
	const list = lint.data?.findings ?? [], shown = list.slice(0, 100)
	const fixes = useMemo(() => shown.map((f) => fixesOf(lint.of.state, f)), [lint])
	return <section class="panel" aria-live="polite">
		<h2>Findings{lint.data && old && <Earlier />}</h2>
		<Failure error={lint.error} />
		{lint.data && <p role="status"><State of={lint.data.valid ? (list.length ? 'warning' : 'yes') : 'error'}>{lint.data.valid ? (list.length ? `valid, ${list.length} to look at` : 'valid, nothing to advise') : `${list.length} that AWS would refuse`}</State></p>}
		<ul class="list">{shown.map((f, i) => <li key={i} class={'finding ' + f.level}>
			<button type="button" class="linkish" onClick={() => show(view.current, positionOf(view.current, f))}>{f.line ? `Line ${f.line}` : f.path || 'Document'}</button> <strong>{f.rule}</strong> <bdi>{f.message}</bdi>
			{f.hint && <div class="hint"><bdi>{f.hint}</bdi></div>}
			{fixes[i].map((fix) => <button key={fix.name} type="button" class="quiet" disabled={old} onClick={() => { view.current.dispatch({changes: fix.change}); view.current.focus() }}>{fix.name}</button>)}
		</li>)}</ul>
	</section>
}

const titles = [['segments', 'Segments', 'name'], ['network-function-groups', 'Network function groups', 'name'], ['segment-actions', 'Segment actions', 'action'], ['attachment-policies', 'Attachment policies', 'rule-number'],
	['routing-policies', 'Routing policies', 'routing-policy-name'], ['attachment-routing-policy-rules', 'Attachment routing policy rules', 'rule-number']]

function Outline({document, view}) {
	const jump = (path) => {
		const node = nodeAt(view.current.state, path)
		if (node) show(view.current, node)
	}
	if (!document) return null
	return <section class="panel"><h2>Outline</h2>
		{titles.filter(([key]) => Array.isArray(document[key])).map(([key, title, name]) => <details key={key}><summary>{title} ({document[key].length})</summary>
			<ul class="list">{document[key].map((x, i) => <li key={i}><button type="button" class="linkish" onClick={() => jump(`$.${key}[${i}]`)}><bdi>{[x?.[name], x?.segment].filter((v) => v !== undefined).join(' ') || i}</bdi></button></li>)}</ul></details>)}
	</section>
}

// Cursor says where the cursor is, and where the name under it is used.
function Cursor({view, cursor, text}) {
	const found = useMemo(() => {
		if (!cursor || !view.current) return null
		const {state} = view.current
		const line = state.doc.lineAt(cursor.at)
		for (const m of line.text.matchAll(/"(?:[^"\\]|\\.)*"/g)) {
			if (cursor.at >= line.from + m.index && cursor.at <= line.from + m.index + m[0].length) {
				const value = unquote(m[0])
				return {value, list: usages(state, value)}
			}
		}
		return null
	}, [cursor, text])
	if (!cursor) return null
	return <p class="hint"><code>$.{cursor.steps.join('.')}</code>{' '}
		{found && found.list.length > 1 && <>“<bdi>{found.value}</bdi>” is used at lines {found.list.slice(0, 30).map((u) => <><button key={u.from} type="button" class="linkish" onClick={() => show(view.current, u)}>{u.line}</button>{' '}</>)}</>}</p>
}
