// What was asked of the server, by key, shared by all views that show it. An answer stays until another takes its place, so
// that pages can be read while the server is away.
import {useLayoutEffect, useReducer} from 'preact/hooks'
import {session} from './session.js'

const entries = new Map() // key → {key, data, error, failed, at, running, again, progress, fn, users, stale, timer, left}

function entry(key) {
	let e = entries.get(key)
	if (!e) entries.set(key, e = {key, users: new Set(), stale: true, failed: 0})
	return e
}

const tell = (e) => { for (const f of e.users) f() }

// refresh asks again what somebody sees, of a server that can be reached, and marks anything else.
function refresh(e) {
	if (e.users.size && session.reachable && !document.hidden) run(e)
	else e.stale = true
}

// resume asks what was marked meanwhile.
function resume() {
	for (const e of entries.values()) if (e.stale) refresh(e)
}
document.addEventListener('visibilitychange', resume)

async function run(e) {
	if (e.running) {
		e.again = true
		return
	}
	const job = e.running = {}
	clearTimeout(e.timer)
	e.stale = false
	tell(e)
	let wait = 0
	try {
		const data = await e.fn({progress: (rows) => {
			if (e.running !== job) return
			e.progress = rows.length
			if (!e.at) e.data = [...rows]
			tell(e)
		}})
		if (e.running !== job) return // it was asked for another caller
		e.data = data
		e.error = null
		e.failed = 0
		e.at = performance.now()
		if (moves(data)) wait = 2000
	} catch (error) {
		if (e.running !== job) return
		e.error = error
		if (error.passing) wait = Math.min(1000 * 2 ** ++e.failed, 60_000)
		else e.data = undefined
	}
	e.running = null
	e.progress = 0
	if (wait) e.timer = setTimeout(refresh, wait, e)
	tell(e)
	if (e.again) {
		e.again = false
		refresh(e)
	}
}

// moves tells of an answer that it has something in a state which ends by itself: of most such ends there are no events.
function moves(data) {
	const lists = Array.isArray(data) ? [data] : [[data], ...Object.values(data ?? {}).filter(Array.isArray)]
	return lists.some((list) => list.some((r) => /^(CREATING|UPDATING|DELETING|EXECUTING|IN_PROGRESS|PENDING|PENDING_(NETWORK_UPDATE|GENERATION))$/.test(
		r?.State?.Code ?? r?.State ?? r?.ConnectPeerState ?? r?.LinkAssociationState ?? r?.ChangeSetState ?? r?.Status)))
}

let leavings = 0, trimming = 0
const kept = 50_000 // rows of answers that no view shows

// trim drops answers that no view shows: large ones, and those that were left first when together they are large.
function trim() {
	let rows = 0
	for (const e of [...entries.values()].filter((e) => !e.users.size).sort((a, b) => b.left - a.left)) {
		const own = Array.isArray(e.data) ? e.data.length : 1
		if (rows + own > kept) entries.delete(e.key)
		else rows += own
	}
}

// useQuery gives {data, at, error, loading, progress}, at by performance.now(). key is text or null: nothing is asked then. It asks before the page is
// painted, so that the answer is on its way meanwhile. Events tell when an answer about a core network is old: any other is asked
// for by each view that begins to show it.
export function useQuery(key, fn) {
	const [, render] = useReducer((n) => n + 1, 0)
	const e = key === null ? null : entry(key)
	if (e) e.fn = fn
	useLayoutEffect(() => {
		if (!e) return
		e.users.add(render)
		e.failed = 0
		if (e.stale || !e.running && (e.error || !key.startsWith('cn '))) run(e)
		return () => {
			e.users.delete(render)
			e.left = ++leavings
			clearTimeout(trimming)
			trimming = setTimeout(trim, 1000)
		}
	}, [e])
	if (!e) return {loading: false}
	return {data: e.data, at: e.at, error: e.error, loading: Boolean(e.running) || e.stale, progress: e.progress}
}

// known are all answers that are there, by key.
export const known = () => [...entries.values()].filter((e) => e.data !== undefined)

// invalidate asks again for keys that begin with one of the prefixes.
export function invalidate(...prefixes) {
	for (const e of entries.values()) if (prefixes.some((p) => e.key.startsWith(p))) refresh(e)
}

// Of global networks and their inventory there are no events: what is shown of them is asked again now and then.
setInterval(invalidate, 30_000, 'gn ', 'networks')

// Another caller is answered otherwise.
let {reachable, key, account} = session
session.listen(() => {
	if (session.key !== key || session.account !== account) {
		for (const e of entries.values()) {
			Object.assign(e, {data: undefined, error: null, failed: 0, at: undefined, running: null, again: false, progress: 0})
			refresh(e)
		}
	} else if (session.reachable && !reachable) resume()
	;({reachable, key, account} = session)
})
