// Small parts of pages.
import {useEffect, useRef, useState} from 'preact/hooks'
import {A, useAddress} from '../lib/router.jsx'
import {session} from '../lib/session.js'

// Page is a view with its heading, which takes the focus when the view is shown.
export function Page({title, sub, actions, children}) {
	const heading = useRef()
	const {parts} = useAddress()
	const address = parts.join('/')
	useEffect(() => {
		document.title = title + ' · Portolan'
		if (Page.shown !== undefined && Page.shown !== address) heading.current?.focus({preventScroll: false})
		Page.shown = address
	}, [title, address])
	return <>
		<div class="head">
			<div>
				<h1 tabIndex={-1} ref={heading}><bdi>{title}</bdi></h1>
				{sub && <p class="sub">{sub}</p>}
			</div>
			{actions && <div class="actions">{actions}</div>}
		</div>
		{children}
	</>
}

const good = new Set(['AVAILABLE', 'EXECUTED', 'EXECUTION_SUCCEEDED', 'COMPLETE', 'READY_TO_EXECUTE', 'Established', 'UP', 'running', 'active', 'ACTIVE', 'yes', 'delivered', 'selected', 'selected-ecmp', 'DEPLOYED'])
const bad = new Set(['FAILED', 'REJECTED', 'DOWN', 'no',  'blackhole', 'BLACKHOLE', 'FAILED_GENERATION', 'error', 'OUT_OF_DATE', 'filtered', 'dropped'])
const mid = new Set(['partly', 'warning', 'handed over', 'rejected'])

// State is a state as text with a mark: never by colour alone.
export function State({of, children}) {
	if (!of) return null
	const kind = good.has(of) ? 'good' : bad.has(of) ? 'bad' : mid.has(of) || /PENDING|ING$/.test(of) ? 'mid' : 'none'
	const mark = {good: '●', bad: '✕', mid: '◐', none: '○'}[kind]
	return <span class={'state ' + kind}><span aria-hidden="true">{mark}</span> {children ?? of}</span>
}

// Failure shows why something could not be had.
export function Failure({error, children}) {
	if (!error) return null
	return <div class="failure" role="alert">
		<strong>{error.denied ? 'Not permitted' : error.gone ? 'No answer' : error.type ?? 'Error'}</strong>
		<p><bdi>{error.message}</bdi></p>
		{error.fields?.length > 0 && <ul>{error.fields.map((f) => <li key={f.Name}><code>{f.Name}</code>: <bdi>{f.Message}</bdi></li>)}</ul>}
		{children}
	</div>
}

// Loaded shows what a query gave: its error, that it is under way, or its data by a function.
export function Loaded({of, children, what = 'data'}) {
	if (of.data !== undefined) return <>
		{of.error && <Failure error={of.error}><p>Shown is the last answer.</p></Failure>}
		{children(of.data)}
	</>
	if (of.error) return <Failure error={of.error} />
	return <p class="loading" role="status">Loading {what}{of.progress ? ` (${of.progress})` : ''}…</p>
}

// Act is a button that makes a call: an operation or several, or control calls. It is greyed with the reason when the caller may not make it.
export function Act({operation, control, run, children, done, class: cls = '', confirm, disabled, why}) {
	const [state, set] = useState({})
	const refused = operation ? [operation].flat().map(session.refusal).find(Boolean) : control ? session.uncontrolled() : ''
	const reason = refused || (disabled ? why : '')
	const click = async () => {
		if (confirm && !state.asked) return set({asked: true})
		set({busy: true})
		try {
			await run()
			set({done: true})
			done?.()
		} catch (error) {
			set({error})
		}
	}
	return <span class="act">
		<button type="button" class={cls} onClick={click} disabled={state.busy || Boolean(reason) || disabled} title={reason || undefined}>
			{state.busy ? 'Waiting for the answer…' : state.asked ? 'Confirm: ' : ''}{!state.busy && children}
		</button>
		{state.asked && <button type="button" class="quiet" onClick={() => set({})}>Cancel</button>}
		{state.asked && <span class="hint">{confirm}</span>}
		{reason && <span class="hint">{reason}</span>}
		{state.error && <Failure error={state.error} />}
	</span>
}

// Facts is a list of names and values; what has no value is left out.
export function Facts({of}) {
	return <dl class="facts">{of.filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false).map(([k, v]) =>
		<div key={k}><dt>{k}</dt><dd><bdi>{v}</bdi></dd></div>)}</dl>
}

// NoPolicy is shown where a core network without a policy in force has nothing to show.
export const NoPolicy = ({cn}) => <p class="notice">No policy of this core network is in force. <A to={['cn', cn, 'edit']}>Write one</A>, or execute one of the <A to={['cn', cn, 'policy']}>policy versions</A>.</p>

export const Id = ({children}) => <code class="id">{children}</code>

// Choice is a labelled select. options are texts or [value, text].
export function Choice({label, value, options, onChange, any}) {
	return <label class="field"><span>{label}</span>
		<select value={value ?? ''} onChange={(e) => onChange(e.currentTarget.value)}>
			{any !== undefined && <option value="">{any}</option>}
			{options.map((o) => {
				const [v, text] = Array.isArray(o) ? o : [o, o]
				return <option key={v} value={v}>{text}</option>
			})}
		</select>
	</label>
}

export function Field({label, value, onInput, hint, wide, ...rest}) {
	return <label class={'field' + (wide ? ' wide' : '')}><span>{label}</span>
		<input type="text" value={value ?? ''} onInput={(e) => onInput(e.currentTarget.value)} autocomplete="off" spellcheck={false} {...rest} />
		{hint && <small>{hint}</small>}
	</label>
}

// More is a part that opens. What is in it is made when it is opened first.
export function More({summary, open = false, children}) {
	const [opened, set] = useState(open)
	return <details class="more" open={open} onToggle={(e) => e.currentTarget.open && set(true)}><summary>{summary}</summary>{opened && children}</details>
}
