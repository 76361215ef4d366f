// Every view is an address: a path below /console/ and a query string.
import {useChanges} from './changes.js'
import {session} from './session.js'

const listeners = new Set()
const changed = () => { for (const f of listeners) f() }
function listen(f) {
	listeners.add(f)
	return () => listeners.delete(f)
}
addEventListener('popstate', changed)

// here is the current address: its parts below /console/, decoded, and its parameters.
export function here() {
	const rest = location.pathname.replace(/^\/console\/?|^\//, '')
	let parts
	try {
		parts = rest.split('/').filter(Boolean).map(decodeURIComponent)
	} catch {
		parts = ['?']
	}
	return {parts, params: Object.fromEntries(new URLSearchParams(location.search))}
}

// address is the URL of a view: parts are encoded, parameters without a value left out.
export function address(parts, params = {}) {
	const query = new URLSearchParams()
	for (const [name, value] of Object.entries({account: session.account, ...params})) if (value) query.set(name, value)
	const text = query.toString()
	return '/console/' + parts.map(encodeURIComponent).join('/') + (text ? '?' + text : '')
}

// go shows another view. replace: it takes the place of this one in the history.
export function go(url, {replace = false} = {}) {
	if (url === location.pathname + location.search) return
	history[replace ? 'replaceState' : 'pushState'](null, '', url)
	changed()
}

// setParams changes parameters of the address and keeps the view.
export function setParams(params, {replace = true} = {}) {
	const {parts, params: old} = here()
	go(address(parts, {...old, ...params}), {replace})
}

export function useAddress() {
	useChanges(listen)
	return here()
}

// A is a link to a view.
export function A({to, params, children, ...rest}) {
	const href = address(to, params)
	const click = (e) => {
		if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
		e.preventDefault()
		go(href)
	}
	return <a href={href} onClick={click} {...rest}>{children}</a>
}
