// Retag changes tags and the routing policy label of an attachment, after a look at what that does.
import {useState} from 'preact/hooks'
import {askWith, call} from '../lib/api.js'
import {useLabels} from '../lib/data.js'
import {session} from '../lib/session.js'
import {Act, Field} from '../ui/basics.jsx'
import {PlanSummary} from '../ui/plan.jsx'

function parse(text) {
	return Object.fromEntries(text.split('\n').filter((line) => line.trim()).map((line) => {
		const at = line.indexOf('=')
		return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1)]
	}))
}

export function Retag({cn, of: a, done}) {
	const id = a.AttachmentId
	const labels = useLabels(cn)
	const label = labels.data?.find((l) => l.AttachmentId === id)?.RoutingPolicyLabel ?? ''
	const was = Object.fromEntries((a.Tags ?? []).map((t) => [t.Key, t.Value ?? '']))
	const [text, setText] = useState(Object.entries(was).map(([k, v]) => `${k}=${v}`).join('\n'))
	const [newLabel, setLabel] = useState(null)
	const [plan, setPlan] = useState(null)
	const wanted = parse(text)
	const removed = Object.keys(was).filter((k) => !(k in wanted))
	const set = Object.entries(wanted).filter(([k, v]) => was[k] !== v)
	const retag = removed.length + set.length > 0
	const relabel = newLabel !== null && newLabel !== label
	const changed = retag || relabel
	const needed = [set.length && 'TagResource', removed.length && 'UntagResource', relabel && (newLabel ? 'PutAttachmentRoutingPolicyLabel' : 'RemoveAttachmentRoutingPolicyLabel')].filter(Boolean)
	const uncontrolled = session.uncontrolled() // without a plan then
	const suppose = {tags: retag ? {[id]: wanted} : {}, labels: relabel ? {[id]: newLabel} : {}}
	const partition = (a.CoreNetworkArn || a.ResourceArn || 'arn:aws').split(':')[1]
	const resourceArn = `arn:${partition}:networkmanager::${a.OwnerAccountId}:attachment/${id}`
	const apply = async () => {
		if (set.length) await call('TagResource', {resourceArn}, {Tags: set.map(([Key, Value]) => ({Key, Value}))})
		if (removed.length) await call('UntagResource', {resourceArn, tagKeys: removed})
		if (relabel && newLabel) await call('PutAttachmentRoutingPolicyLabel', {}, {CoreNetworkId: cn, AttachmentId: id, RoutingPolicyLabel: newLabel})
		if (relabel && !newLabel) await call('RemoveAttachmentRoutingPolicyLabel', {coreNetworkId: cn, attachmentId: id})
	}
	const edit = (change) => (v) => { change(v); setPlan(null) }
	return <div class="two">
		<div>
			<label class="field"><span>Tags, one key=value a line</span><textarea rows={4} value={text} onInput={(e) => edit(setText)(e.currentTarget.value)} spellcheck={false} /></label>
			<Field label="Routing policy label" value={newLabel ?? label} onInput={edit(setLabel)} />
			<div class="actions">
				<Act control run={async () => setPlan(await askWith(cn, 'what-if', suppose))} disabled={!changed} why="Nothing is changed yet." class="quiet">Plan</Act>
				<Act operation={needed} run={apply} done={done} disabled={!changed || (!plan && !uncontrolled)} why={changed ? 'Look at the plan first.' : 'Nothing is changed yet.'}>Apply</Act>
			</div>
		</div>
		<div>{plan ? <PlanSummary of={plan} /> : <p class="empty">The plan says what moves, and what becomes or stops being reachable.</p>}</div>
	</div>
}
