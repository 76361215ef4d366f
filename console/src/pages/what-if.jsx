// WhatIf is what happens when attachments or edge locations fail.
import {askWith} from '../lib/api.js'
import {useGraph} from '../lib/data.js'
import {useQuery} from '../lib/query.js'
import {setParams} from '../lib/router.jsx'
import {AttachmentField} from '../ui/attachment-field.jsx'
import {Choice, Loaded, Page} from '../ui/basics.jsx'
import {PlanSummary} from '../ui/plan.jsx'
import {useState} from 'preact/hooks'

const split = (text) => (text ?? '').split(',').filter(Boolean)

export function WhatIf({parts: [, cn], params}) {
	const graph = useGraph(cn)
	const [text, setText] = useState('')
	const fail = {attachments: split(params.attachment), edges: split(params.edge)}
	const asked = fail.attachments.length + fail.edges.length > 0
	const plan = useQuery(asked ? `cn ${cn} fail ${JSON.stringify(fail)}` : null, () => askWith(cn, 'what-if', {fail}))
	const set = (edges, list) => setParams({edge: edges.join(','), attachment: list.join(',')}, {replace: false})
	const add = (e) => {
		e.preventDefault()
		if (text && !fail.attachments.includes(text)) set(fail.edges, [...fail.attachments, text])
		setText('')
	}
	return <Page title="What if" sub="What is lost, and what takes another way, when edge locations or attachments fail. Nothing is changed.">
		<form class="filters" onSubmit={add}>
			<Choice label="Edge location fails" any="Choose…" value="" options={(graph.data?.edges ?? []).map((e) => e.location).filter((e) => !fail.edges.includes(e))} onChange={(e) => e && set([...fail.edges, e], fail.attachments)} />
			<AttachmentField cn={cn} label="Attachment fails" value={text} onInput={setText} />
			<button type="submit" disabled={!text}>Add</button>
		</form>
		{asked ? <>
			<ul class="list" aria-label="What fails">
				{fail.edges.map((e) => <li key={e}>Edge location <strong>{e}</strong> fails <button type="button" class="quiet" onClick={() => set(fail.edges.filter((x) => x !== e), fail.attachments)}>Remove {e}</button></li>)}
				{fail.attachments.map((a) => <li key={a}>Attachment <strong>{a}</strong> fails <button type="button" class="quiet" onClick={() => set(fail.edges, fail.attachments.filter((x) => x !== a))}>Remove {a}</button></li>)}
			</ul>
			<section class="panel"><h2>What happens</h2><Loaded of={plan} what="answer">{(p) => <PlanSummary of={p} />}</Loaded></section>
		</> : <p class="empty">Choose what fails.</p>}
	</Page>
}
