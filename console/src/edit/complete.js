// Completion in a policy document: members and values of the JSON Schema of policies, and names that the document defines.
import {insertCompletionText, pickedCompletion} from '@codemirror/autocomplete'
import {regions} from '../draw/regions.js'
import {itemsOf, membersOf, schemasAt, valuesOf} from './schema.js'
import {documentOf, pathOf} from './tree.js'

const names = (list, key) => Array.isArray(list) ? list.map((x) => x?.[key]).filter((x) => typeof x === 'string') : []
const segments = (d) => names(d.segments, 'name')
const groups = (d) => names(d['network-function-groups'], 'name')
const edges = (d) => names(d['core-network-configuration']?.['edge-locations'], 'location')
const routing = (d) => names(d['routing-policies'], 'routing-policy-name')
const located = Object.keys(regions)

// references are the places that name what the document defines elsewhere, by the end of the path to them. The schema only says
// that they are strings.
const references = [
	[/^(segment-actions|attachment-policies)\..*segment$/, segments], [/(share-with|share-with\.except|when-sent-to|when-sent-to\.segments|deny-filter|allow-filter)(\.\*)?$/, segments],
	[/(via\.network-function-groups(\.\*)?|add-to-network-function-group)$/, groups],
	[/(routing-policy-names|associate-routing-policies)(\.\*)?$/, routing],
	[/edge-locations\.\*\.location$/, () => located], [/(edge-locations|edge-sets(\.\*)?)(\.\*)?$/, edges], [/(use-edge-location|edge-location)$/, edges],
]

// ofConditions are values of conditions of attachment policies by their type.
const ofConditions = {
	'region': edges, 'attachment-type': () => ['vpc', 'connect', 'site-to-site-vpn', 'direct-connect-gateway', 'transit-gateway-route-table'],
}

const valueAt = (doc, steps) => steps.reduce((v, s) => v?.[s], doc)

function namesAt(steps, document) {
	const path = steps.map((s) => typeof s === 'number' ? '*' : s).join('.')
	if (/^attachment-policies\.\*\.conditions\.\*\.value$/.test(path)) return ofConditions[valueAt(document, steps.slice(0, -1))?.type]?.(document) ?? []
	return references.find(([end]) => end.test(path))?.[1](document) ?? []
}

// complete is a completion source of CodeMirror. schemaOf gives the JSON Schema of a text once it is there, or null.
export const complete = (schemaOf) => async (context) => {
	const {state, pos} = context
	const word = context.matchBefore(/"?[\w*.-]*/)
	if (!word || (word.from === word.to && !context.explicit)) return null
	const schema = await schemaOf(state.doc.toString())
	if (!schema) return null
	const {steps, inName, around} = pathOf(state, pos)
	const document = documentOf(state) ?? {}
	const last = /\S(?=\s*$)/.exec(state.sliceDoc(Math.max(0, word.from - 2000), word.from))?.[0]
	const after = state.sliceDoc(pos, pos + 4)
	const quoted = word.text.startsWith('"')
	let options
	if (inName || (around === 'Object' && (last === '{' || last === ','))) {
		const object = inName ? steps.slice(0, -1) : steps
		const has = valueAt(document, object) ?? {}, typed = word.text.replace(/^"/, '')
		const colon = /^"?\s*:/.test(after) ? '' : ': '
		options = [...membersOf(schemasAt(schema, object, document))].filter(([name]) => !Object.hasOwn(has, name) || name === typed)
			.map(([name, m]) => ({name, type: 'property', info: m.description, boost: m.required ? 1 : 0, text: `"${name}"${colon}`}))
	} else {
		const here = schemasAt(schema, steps, document)
		const item = around === 'Array' && (last === '[' || last === ',') && typeof steps.at(-1) !== 'number'
		const values = new Set([...valuesOf(item ? itemsOf(here) : here), ...namesAt(steps, document)])
		options = [...values].map((v) => ({name: String(v), type: 'enum', text: JSON.stringify(v)}))
	}
	if (!options.length) return null
	return {from: quoted ? word.from + 1 : word.from, validFor: /^[\w*.-]*$/, options: options.map(({name, text, ...o}) => ({...o, label: name, apply: insert(text, quoted)}))}
}

// insert takes the place of what is typed, with the quotes around it.
const insert = (text, quoted) => (view, completion, from, to) => {
	const closed = quoted && view.state.sliceDoc(to, to + 1) === '"'
	view.dispatch({...insertCompletionText(view.state, text, quoted ? from - 1 : from, closed ? to + 1 : to), annotations: pickedCompletion.of(completion)})
}
