// Assertions are what must hold of the network, tried.
import {useState} from 'preact/hooks'
import {askWith} from '../lib/api.js'
import {preference} from '../lib/session.js'
import {Act, Page, State} from '../ui/basics.jsx'

// tryAssertions asks whether assertions hold, of the network as it is.
export const tryAssertions = (cn, text) => askWith(cn, 'test', text)

const example = 'prod reaches dev via fw\ndev cannot reach lonely\n10.0.0.0/16 is in table dev at eu-west-1'

export function Assertions({parts: [, cn]}) {
	const [text, setText] = useState(preference('assertions.' + cn) ?? '')
	const [result, setResult] = useState(null)
	const edit = (v) => {
		setText(v)
		preference('assertions.' + cn, v)
	}
	return <Page title="Assertions" sub="What must hold, a line each, as portolan test reads them. They stay in this browser, and the policy editor tries them on every edit.">
		<label class="field"><span>Assertions</span><textarea rows={8} value={text} placeholder={example} onInput={(e) => edit(e.currentTarget.value)} spellcheck={false} /></label>
		<div class="actions"><Act control run={async () => setResult(await tryAssertions(cn, text))} disabled={!text.trim()} why="There are none.">Try them</Act></div>
		{result && <section class="panel" aria-live="polite"><h2>{result.holding} of {result.total} hold</h2><Failures of={result} /></section>}
	</Page>
}

// Failures are the assertions that do not hold, each with the reason.
export function Failures({of}) {
	return <ul class="list">{of.failures.map((f) => <li key={f.line} class="finding error"><State of="no">line {f.line}</State> <bdi>{f.text}</bdi><div><bdi>{f.reason}</bdi></div></li>)}</ul>
}
