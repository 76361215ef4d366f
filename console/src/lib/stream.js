// The live stream of events. It begins with what comes next, and resumes after the last event it saw, by the event's opaque token.
// Events from before are asked for once a view shows them.
import {control, send} from './api.js'
import {invalidate} from './query.js'
import {session} from './session.js'

const kept = 500

export const stream = {
	events: [], // the latest first: {token, event}
	earlier: false, // whether those from before were asked for
	open: false,
	refused: null, // a CallError that trying again does not help
	listeners: new Set(),
	listen(f) {
		stream.listeners.add(f)
		return () => stream.listeners.delete(f)
	},
}

const tell = () => { for (const f of stream.listeners) f() }

let last = ''
let abort = null
let timer = 0

// restart begins anew, as when another caller asks.
export function restart() {
	clearTimeout(timer)
	abort?.abort()
	last = ''
	stream.events = []
	stream.refused = null
	follow()
	if (stream.earlier) recall()
}

// recall asks for the latest events from before.
export async function recall() {
	stream.earlier = true
	const of = session.key
	const {events} = await control('GET', 'events', {query: {last: 100}}).catch(() => ({events: []}))
	if (of !== session.key) return
	const known = new Set(stream.events.map((e) => e.token))
	stream.events = [...stream.events, ...events.reverse().filter((e) => !known.has(e.token))].slice(0, kept)
	tell()
}

async function follow(wait = 500) {
	abort = new AbortController()
	const mine = abort
	try {
		if (!last) last = (await control('GET', 'events', {query: {last: 1}, signal: mine.signal})).events.at(-1)?.token ?? ''
		const reply = await send('GET', '/_portolan/events', {
			accept: 'text/event-stream', signal: mine.signal, headers: last ? {'last-event-id': last} : {},
		})
		stream.open = true
		wait = 500
		tell()
		await read(reply.body.getReader())
	} catch (e) {
		if (e.name === 'AbortError') return
		if (e.denied) {
			stream.refused = e
			stream.open = false
			tell()
			return
		}
	}
	if (mine !== abort) return
	stream.open = false
	tell()
	if (!mine.signal.aborted) check()
	timer = setTimeout(() => follow(Math.min(wait * 2, 5000)), wait)
}

// check finds out whether the server has gone, when a stream ends.
const check = () => send('GET', '/_portolan/health').catch(() => {})

async function read(reader) {
	const decoder = new TextDecoder()
	let text = ''
	for (;;) {
		const {done, value} = await reader.read()
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

let pending = 0

function took(list) {
	last = list.at(-1).token || last
	stream.events = [...list.reverse(), ...stream.events].slice(0, kept)
	tell()
	// What an event is about is asked again, once for events that come together.
	clearTimeout(pending)
	pending = setTimeout(() => invalidate('cn ', 'gn ', 'networks'), 250)
}

let wasKey = session.key, wasAccount = session.account
session.listen(() => {
	if (session.key !== wasKey || session.account !== wasAccount) {
		wasKey = session.key
		wasAccount = session.account
		restart()
	}
})

export const begin = () => { if (!abort) follow() }
