// The live stream of events. It begins with what comes next, and resumes after the last event it saw, by the event's opaque token.
// Events from before are asked for by views that show them.
import {read, send} from './api.js'
import {invalidate} from './query.js'
import {session} from './session.js'

const kept = 500
const silence = 45_000 // of a connection, after which it is given up: the server writes every 15 seconds

const listeners = new Set()

export const stream = {
	events: [], // the latest first: {token, event}
	open: false,
	listen(f) {
		listeners.add(f)
		return () => listeners.delete(f)
	},
}

const tell = () => { for (const f of listeners) f() }

let began = performance.now() // before views ask
let last = ''
let abort = null
let timer = 0
let missed = false // whether the server could not be reached, and may have begun anew

// begin follows the stream while the page is looked at: a browser has six connections to a server for all its tabs.
export function begin() {
	clearTimeout(timer)
	abort?.abort()
	stream.open = false
	tell()
	if (!document.hidden) follow()
}
document.addEventListener('visibilitychange', begin)

// follow connects, and connects again when a connection ends.
async function follow(wait = 500) {
	abort = new AbortController()
	const {signal} = abort
	let denied = false
	try {
		if (!last) last = await meet(signal)
		const reply = await send('GET', '/_portolan/events', {accept: 'text/event-stream', signal, headers: {'last-event-id': last}})
		stream.open = true
		wait = 500
		tell()
		if (missed) soon()
		missed = false
		await hear(reply.body.getReader())
	} catch (e) {
		denied = e.denied // trying again does not help then
		missed ||= e.gone
	}
	if (signal.aborted) return
	stream.open = false
	tell()
	if (!denied) timer = setTimeout(follow, wait, Math.min(wait * 2, 5000))
}

// meet gives the token to begin after. What views have asked for so far may have been answered before the latest event: they ask again
// unless that event is older than their questions, by the clock of the server.
async function meet(signal) {
	const reply = await send('GET', '/_portolan/events', {query: {last: 1}, signal})
	const {events: [latest], next} = await read(reply)
	const age = latest && Date.parse(reply.headers.get('date')) - Date.parse(latest.event.time)
	if (age < performance.now() - began + skew) soon()
	return next
}

const skew = 5000 // between clocks of a cluster, and the seconds that both times are cut to

async function hear(reader) {
	const decoder = new TextDecoder()
	let text = ''
	for (;;) {
		const watch = setTimeout(() => reader.cancel(), silence)
		const {done, value} = await reader.read().finally(() => clearTimeout(watch))
		if (done) return
		text += decoder.decode(value, {stream: true})
		const parts = text.split('\n\n')
		text = parts.pop()
		const seen = parts.map(parse).filter(Boolean)
		if (seen.length) took(seen)
	}
}

function parse(block) {
	let token = '', data = ''
	for (const line of block.split('\n')) {
		if (line.startsWith('id: ')) token = line.slice(4)
		if (line.startsWith('data: ')) data += line.slice(6)
	}
	return data ? {token, event: JSON.parse(data)} : null
}

function took(list) {
	last = list.at(-1).token || last
	stream.events = [...list.reverse(), ...stream.events].slice(0, kept)
	tell()
	soon()
}

// soon asks again for what events are about, once for events that come together. Those that follow do not put it off.
let due = 0, asked = -Infinity
function soon() {
	due ||= setTimeout(() => {
		due = 0
		asked = performance.now()
		invalidate('cn ', 'gn ', 'networks')
	}, Math.max(250, asked + 1000 - performance.now()))
}

let {key, account, reachable} = session
let trying = 0
session.listen(() => {
	if (session.key !== key || session.account !== account) {
		last = ''
		began = performance.now()
		stream.events = []
		begin()
	}
	if (session.reachable !== reachable) {
		clearInterval(trying)
		if (!session.reachable) trying = setInterval(() => document.hidden || send('GET', '/_portolan/health').catch(() => {}), 2000)
	}
	;({key, account, reachable} = session)
})
