// Completion in a policy document: members of each place, and names that the document defines.
import {pathOf} from './tree.js'

const rule = ['rule-number', 'description', 'condition-logic', 'conditions', 'action']

// members are what each object may have, by the path to it with * for indexes.
export const members = {
	'': ['version', 'core-network-configuration', 'segments', 'network-function-groups', 'segment-actions', 'attachment-policies', 'routing-policies', 'attachment-routing-policy-rules'],
	'core-network-configuration': ['asn-ranges', 'inside-cidr-blocks', 'vpn-ecmp-support', 'edge-locations', 'dns-support', 'security-group-referencing-support'],
	'core-network-configuration.edge-locations.*': ['location', 'asn', 'inside-cidr-blocks'],
	'segments.*': ['name', 'description', 'edge-locations', 'isolate-attachments', 'require-attachment-acceptance', 'deny-filter', 'allow-filter'],
	'network-function-groups.*': ['name', 'description', 'require-attachment-acceptance'],
	'segment-actions.*': ['action', 'segment', 'mode', 'share-with', 'destination-cidr-blocks', 'destinations', 'description', 'via', 'when-sent-to', 'routing-policy-names', 'edge-location-association'],
	'segment-actions.*.share-with': ['except'],
	'segment-actions.*.via': ['network-function-groups', 'with-edge-overrides'],
	'segment-actions.*.via.with-edge-overrides.*': ['edge-sets', 'use-edge-location'],
	'segment-actions.*.when-sent-to': ['segments'],
	'segment-actions.*.edge-location-association': ['edge-location', 'peer-edge-location', 'routing-policy-names'],
	'attachment-policies.*': rule,
	'attachment-policies.*.conditions.*': ['type', 'operator', 'key', 'value'],
	'attachment-policies.*.action': ['association-method', 'segment', 'tag-value-of-key', 'require-acceptance', 'add-to-network-function-group'],
	'routing-policies.*': ['routing-policy-name', 'routing-policy-description', 'routing-policy-direction', 'routing-policy-number', 'routing-policy-rules'],
	'routing-policies.*.routing-policy-rules.*': ['rule-number', 'rule-definition'],
	'routing-policies.*.routing-policy-rules.*.rule-definition': ['condition-logic', 'match-conditions', 'action'],
	'routing-policies.*.routing-policy-rules.*.rule-definition.match-conditions.*': ['type', 'value'],
	'routing-policies.*.routing-policy-rules.*.rule-definition.action': ['type', 'value'],
	'attachment-routing-policy-rules.*': ['rule-number', 'description', 'edge-locations', 'conditions', 'action'],
	'attachment-routing-policy-rules.*.conditions.*': ['type', 'value'],
	'attachment-routing-policy-rules.*.action': ['associate-routing-policies'],
}

const truth = [true, false]
const types = ['vpc', 'connect', 'site-to-site-vpn', 'direct-connect-gateway', 'transit-gateway-route-table']
const names = (list, key) => Array.isArray(list) ? list.map((x) => x?.[key]).filter((x) => typeof x === 'string') : []
const segments = (d) => names(d.segments, 'name')
const groups = (d) => names(d['network-function-groups'], 'name')
const edges = (d) => names(d['core-network-configuration']?.['edge-locations'], 'location')
const routing = (d) => names(d['routing-policies'], 'routing-policy-name')

// choices are values by the end of the path to them: a list, or what the document has.
const choices = [
	[/^version$/, ['2021.12', '2025.11']],
	[/(isolate-attachments|require-attachment-acceptance|require-acceptance|vpn-ecmp-support|dns-support|security-group-referencing-support)$/, truth],
	[/^segment-actions\.\*\.action$/, ['share', 'create-route', 'send-via', 'send-to', 'associate-routing-policy']],
	[/^segment-actions\.\*\.mode$/, ['attachment-route', 'single-hop', 'dual-hop']],
	[/^segment-actions\.\*\.segment$/, segments], [/share-with(\.except)?(\.\*)?$/, (d) => ['*', ...segments(d)]], [/when-sent-to\.segments(\.\*)?$/, (d) => ['*', ...segments(d)]],
	[/via\.network-function-groups(\.\*)?$/, groups], [/destinations(\.\*)?$/, ['blackhole']],
	[/(deny-filter|allow-filter)(\.\*)?$/, segments],
	[/association-method$/, ['constant', 'tag']], [/attachment-policies\.\*\.action\.segment$/, segments], [/add-to-network-function-group$/, groups],
	[/attachment-policies\.\*\.conditions\.\*\.type$/, ['any', 'tag-value', 'tag-exists', 'resource-id', 'region', 'attachment-type', 'account-id']],
	[/conditions\.\*\.operator$/, ['equals', 'not-equals', 'contains', 'begins-with']], [/condition-logic$/, ['and', 'or']],
	[/attachment-policies\.\*\.conditions\.\*\.value$/, (d) => [...types, ...edges(d)]],
	[/(edge-locations|edge-sets(\.\*)?)(\.\*)?$/, edges], [/(use-edge-location|edge-location)$/, edges],
	[/routing-policy-direction$/, ['inbound', 'outbound']], [/(routing-policy-names|associate-routing-policies)(\.\*)?$/, routing],
	[/match-conditions\.\*\.type$/, ['prefix-equals', 'prefix-in-cidr', 'prefix-in-prefix-list', 'asn-in-as-path', 'community-in-list', 'med-equals']],
	[/rule-definition\.action\.type$/, ['drop', 'allow', 'summarize', 'prepend-asn-list', 'remove-asn-list', 'replace-asn-list', 'add-community', 'remove-community', 'set-med', 'set-local-preference']],
	[/attachment-routing-policy-rules\.\*\.conditions\.\*\.type$/, ['routing-policy-label']],
]

const valueAt = (doc, steps) => steps.reduce((v, s) => v?.[s], doc)

// complete is a completion source of CodeMirror. parsed gives the last document that could be read.
export const complete = (parsed) => (context) => {
	const {state, pos} = context
	const word = context.matchBefore(/"?[\w*.-]*/)
	if (!word || (word.from === word.to && !context.explicit)) return null
	const {steps, inName} = pathOf(state, pos)
	const path = steps.map((s) => typeof s === 'number' ? '*' : s).join('.')
	const before = state.doc.sliceString(state.doc.lineAt(word.from).from, word.from)
	const isName = inName || (/[{,]\s*$|^\s*$/.test(before) && !Array.isArray(valueAt(parsed(), steps)))
	const after = state.doc.sliceString(pos, pos + 4)
	const quoted = word.text.startsWith('"')
	let options = []
	if (isName) {
		const here = inName ? path.split('.').slice(0, -1).join('.') : path
		const colon = /^"?\s*:/.test(after) ? '' : ': '
		options = (members[here] ?? members[path] ?? []).map((m) => ({name: m, type: 'property', apply: `"${m}"${colon}`}))
	} else {
		const found = choices.find(([end]) => end.test(path))
		const list = !found ? [] : typeof found[1] === 'function' ? found[1](parsed() ?? {}) : found[1]
		options = list.map((v) => ({name: String(v), type: 'enum', apply: JSON.stringify(v)}))
	}
	if (!options.length) return null
	return {from: word.from, to: quoted && after[0] === '"' ? pos + 1 : pos, options: options.map(({name, ...o}) => ({...o, label: quoted ? `"${name}"` : name, displayLabel: name}))}
}
