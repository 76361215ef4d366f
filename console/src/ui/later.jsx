// later is a view whose code is loaded when it is shown first.
import {useEffect, useReducer, useState} from 'preact/hooks'

export function later(what, load) {
	let Loaded = null
	return function Later(props) {
		const [, render] = useReducer((n) => n + 1, 0)
		const [failed, fail] = useState(null)
		useEffect(() => {
			if (!Loaded) load().then((View) => { Loaded = View; render() }, fail)
		}, [])
		if (Loaded) return <Loaded {...props} />
		return failed ? <div class="failure" role="alert"><p>The {what} could not be loaded: {failed.message}</p><button type="button" onClick={() => location.reload()}>Load the page again</button></div> : <p class="loading" role="status">Loading the {what}…</p>
	}
}
