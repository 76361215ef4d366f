// The state that all views share: who is calling, whether the server answers, how pages look.

const listeners = new Set()

const change = () => { for (const f of listeners) f() }

export const session = {
	key: null, // {id, secret, token, region}: in memory only
	account: new URLSearchParams(location.search).get('account') ?? '',
	reachable: true,
	lostAt: null, // Date
	refused: undefined, // the key that another one was asked for in the place of
	asking: null, // why a key is asked for, in the server's words
	caller: null, // what /_portolan/caller answers

	listen(f) {
		listeners.add(f)
		return () => listeners.delete(f)
	},
	reach(yes) {
		if (yes === session.reachable) return
		session.reachable = yes
		session.lostAt = yes ? null : new Date()
		change()
	},
	ask(message) {
		session.asking = message
		change()
	},
	// refuse takes it that the server refuses the key, or that there is none. It asks for another one once: whoever dismisses that goes
	// on without.
	refuse(message) {
		if (session.asking || session.refused === session.key) return
		session.refused = session.key
		session.ask(message)
	},
	// dismiss closes the question for a key without an answer.
	dismiss() {
		session.asking = null
		change()
	},
	use(key) {
		session.key = key
		session.asking = null
		session.caller = null
		change()
	},
	as(account) {
		session.account = account
		change()
	},
	met(caller) {
		session.caller = caller
		change()
	},
	// refusal is why the caller may not make an operation, or '' when nothing is known against it.
	refusal(operation) {
		return session.caller?.denied?.[operation] ?? ''
	},
	// uncontrolled is why the caller may not make control calls, or ''.
	uncontrolled() {
		const {controlDenied} = session.caller ?? {}
		return controlDenied ? `This takes a key that may do everything. ${controlDenied}` : ''
	},
}

// preference reads or writes what a browser remembers of how pages look. Nothing else is stored.
export function preference(name, value) {
	try {
		if (value === undefined) return localStorage.getItem('portolan.' + name)
		localStorage.setItem('portolan.' + name, value)
	} catch { /* storage may be switched off */ }
	return value ?? null
}
