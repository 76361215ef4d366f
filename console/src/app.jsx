// App is what is around every view: navigation, search, what is wrong with the connection, and the view of the address.
import {useEffect, useLayoutEffect, useState} from 'preact/hooks'
import {control, pages} from './lib/api.js'
import {useChanges} from './lib/changes.js'
import {useLive} from './lib/data.js'
import {useQuery} from './lib/query.js'
import {A, address, go, useAddress} from './lib/router.jsx'
import {preference, session} from './lib/session.js'
import {time} from './lib/text.js'
import {NoPolicy, Page} from './ui/basics.jsx'
import {KeyDialog} from './ui/key.jsx'
import {Palette} from './ui/palette.jsx'
import {coreNetworkViews, viewOf} from './views.jsx'

export function useSession() {
	useChanges(session.listen)
	return session
}

export const useNetworks = () => useQuery('networks', async () => {
	const [global, core] = await Promise.all([pages('DescribeGlobalNetworks', {}, 'GlobalNetworks'), pages('ListCoreNetworks', {}, 'CoreNetworks')])
	return {global, core}
})

export function App() {
	useSession()
	const {parts, params} = useAddress()
	const [menu, setMenu] = useState(false)
	const [find, setFind] = useState(false)
	const {data: caller, error} = useQuery('caller', () => control('GET', 'caller'))
	useLayoutEffect(() => { if (caller) session.met(caller) }, [caller])
	useLayoutEffect(() => {
		const key = (e) => {
			if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
				e.preventDefault()
				setFind(true)
			}
		}
		addEventListener('keydown', key)
		return () => removeEventListener('keydown', key)
	}, [])
	useEffect(() => setMenu(false), [location.href])
	const {View, title, control: controls} = viewOf(parts)
	const refused = controls ? session.uncontrolled() : ''
	const core = controls && parts[0] === 'cn' && parts[2] !== 'edit' ? parts[1] : null
	const unruled = useLive(core) === null && core
	return <>
		<a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main').focus() }}>Skip to the content</a>
		<header class="top">
			<button type="button" class="menu" aria-expanded={menu} aria-controls="nav" onClick={() => setMenu(!menu)}>Menu</button>
			<A to={[]} class="brand">Portolan</A>
			<button type="button" class="find" onClick={() => setFind(true)}>Find anything <kbd>Ctrl K</kbd></button>
			<Account refused={error?.denied} />
			<Theme />
		</header>
		<Banner />
		<div class="frame">
			<nav id="nav" class={menu ? 'shown' : ''} aria-label="Views"><Nav parts={parts} /></nav>
			<main id="main" tabIndex={-1}><Guard key={parts.join('/')}>{refused ? <Page title={title}><p class="failure" role="alert"><bdi>{refused}</bdi></p></Page> : unruled ? <Page title={title}><NoPolicy cn={unruled} /></Page> : <View parts={parts} params={params} title={title} />}</Guard></main>
		</div>
		{find && <Palette close={() => setFind(false)} />}
		{session.asking && <KeyDialog />}
	</>
}

function Guard({children}) { return children }

function Nav({parts}) {
	const networks = useNetworks()
	const current = parts[0] === 'cn' ? parts[1] : ''
	const cores = networks.data?.core ?? []
	const refused = session.uncontrolled()
	const link = (to, text, control) => {
		const within = to.every((p, i) => p === parts[i]) && (to.length === parts.length || to.length > 2)
		return <li key={to.join('/')}><A to={to} class={control && refused ? 'greyed' : undefined} title={control && refused ? refused : undefined} aria-current={within ? (to.length === parts.length ? 'page' : 'true') : undefined}>{text}</A></li>
	}
	return <>
		<ul>{link([], 'Networks')}{link(['events'], 'Events', true)}</ul>
		{networks.data && cores.length > 0 && <label class="field network"><span>Core network</span>
			<select value={current} onChange={(e) => e.currentTarget.value && go(address(['cn', e.currentTarget.value, ...parts.slice(2, 3)]))}>
				{!current && <option value="">Choose…</option>}
				{current && !cores.some((c) => c.CoreNetworkId === current) && <option value={current}>{current}</option>}
				{cores.map((c) => <option key={c.CoreNetworkId} value={c.CoreNetworkId}>{c.Description ? `${c.Description} (${c.CoreNetworkId})` : c.CoreNetworkId}</option>)}
			</select></label>}
		{current && coreNetworkViews.map(([heading, views]) => <section key={heading}>
			<h2>{heading}</h2>
			<ul>{views.map((v) => link(['cn', current, ...v.path], v.title, v.control))}</ul>
		</section>)}
	</>
}

function Account({refused}) {
	const {caller, key} = useSession()
	const [open, setOpen] = useState(false)
	const [text, setText] = useState('')
	if (!caller && !refused) return null
	if (refused || caller.checked) return <button type="button" class="quiet account" onClick={() => session.ask('Use another access key, or none.')}>{key && caller ? <bdi>{caller.principal}</bdi> : 'Access key'}</button>
	const use = (e) => {
		e.preventDefault()
		if (!/^\d{12}$/.test(text)) return
		setOpen(false)
		session.as(text === '000000000000' ? '' : text)
		go(address([]))
	}
	return open ? <form class="account" onSubmit={use}>
		<label><span class="hidden">Account</span><input autofocus inputMode="numeric" pattern="\d{12}" placeholder="12 digits" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
		<button type="submit">Use</button><button type="button" class="quiet" onClick={() => setOpen(false)}>Cancel</button>
	</form> : <button type="button" class="quiet account" onClick={() => { setText(caller.account); setOpen(true) }}>Account {caller.account}</button>
}

function Theme() {
	const [theme, set] = useState(preference('theme') ?? '')
	const next = {'': 'dark', dark: 'light', light: ''}[theme]
	const change = () => {
		preference('theme', next)
		document.documentElement.dataset.theme = next
		set(next)
	}
	return <button type="button" class="quiet" onClick={change} title={`Change to ${next || 'the colours of the system'}`}><span class="hidden">Colours: </span>{{'': 'Auto', dark: 'Dark', light: 'Light'}[theme]}</button>
}

function Banner() {
	const {reachable, lostAt} = useSession()
	return <div aria-live="assertive">{!reachable && <p class="banner">The server cannot be reached since {time(lostAt)}. What is shown is old. It is tried again until it answers.</p>}</div>
}
