// What was asked of the server, by key, shared by all views that show it. An answer stays until another takes its place, so
// that pages can be read while the server is away.
import {useLayoutEffect, useReducer} from 'preact/hooks'
import {session} from './session.js'

const entries = new Map() // key → {key, data, error, at, running, fn, users, stale}

function entry(key) {
	let e = entries.get(key)
	if (!e) entries.set(key, e = {key, users: new Set(), stale: true})
	return e
}

const tell = (e) => { for (const f of e.users) f() }

async function run(e) {
	if (e.running) {
		e.again = true
		return e.running
	}
	e.stale = false
	const job = (async () => {
		try {
			e.data = await e.fn({progress: (rows) => { e.progress = rows.length; if (!e.at) e.data = [...rows]; tell(e) }})
			e.error = null
			e.at = new Date()
		} catch (error) {
			e.error = error
			if (!error.gone && error.status !== 503) e.data = undefined
		}
		e.running = null
		e.progress = 0
		tell(e)
		if (e.again) {
			e.again = false
			if (e.users.size) run(e)
			else e.stale = true
		}
	})()
	e.running = job
	tell(e)
	return job
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

// useQuery gives {data, error, loading, at, reload}. key is text or null: nothing is asked then. It asks before the page is
// painted, so that the answer is on its way meanwhile.
export function useQuery(key, fn) {
	const [, render] = useReducer((n) => n + 1, 0)
	const e = key === null ? null : entry(key)
	if (e) e.fn = fn
	useLayoutEffect(() => {
		if (!e) return
		e.users.add(render)
		if (e.stale) run(e)
		return () => {
			e.users.delete(render)
			e.left = ++leavings
			clearTimeout(trimming)
			trimming = setTimeout(trim, 1000)
		}
	}, [e])
	if (!e) return {loading: false, reload: () => {}}
	return {data: e.data, error: e.error, loading: Boolean(e.running) || e.stale, at: e.at, progress: e.progress, reload: () => run(e)}
}

// peek is an answer that is there already.
export const peek = (key) => entries.get(key)?.data

// known are all answers that are there, by key.
export const known = () => [...entries.values()].filter((e) => e.data !== undefined)

// invalidate asks again what is shown, of keys that begin with one of the prefixes, and marks what is not.
export function invalidate(...prefixes) {
	for (const e of entries.values()) {
		if (!prefixes.some((p) => e.key.startsWith(p))) continue
		if (e.users.size) run(e)
		else e.stale = true
	}
}

// forget drops everything, when another caller asks.
export function forget() {
	for (const e of entries.values()) {
		e.data = undefined
		e.at = undefined
		e.error = null
		if (e.users.size) run(e)
		else e.stale = true
	}
}

// A server that is back is asked for everything that failed or may have changed.
let reachable = true
session.listen(() => {
	if (session.reachable && !reachable) invalidate('')
	reachable = session.reachable
})
