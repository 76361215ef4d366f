// The live stream of events. It resumes after the last event it saw, by the event's opaque token.
import {send} from './api.js'
import {invalidate} from './query.js'
import {session} from './session.js'

const kept = 500

export const stream = {
	events: [], // the latest first: {token, event}
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
}

async function follow(wait = 500) {
	abort = new AbortController()
	const mine = abort
	try {
		const reply = await send('GET', '/_portolan/events', {
			query: last ? {} : {last: 100}, accept: 'text/event-stream', signal: mine.signal, headers: last ? {'last-event-id': last} : {},
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
