// Places in a JSON text: paths as findings spell them, and the nodes of CodeMirror's syntax tree.
import {ensureSyntaxTree, syntaxTree} from '@codemirror/language'

const tree = (state) => ensureSyntaxTree(state, state.doc.length, 200) ?? syntaxTree(state)
const text = (state, node) => state.doc.sliceString(node.from, node.to)

export function unquote(raw) {
	try {
		return JSON.parse(raw)
	} catch {
		return raw.replace(/^"|"$/g, '')
	}
}

// stepsOf takes a JSONPath apart: $.segments[0]['a b'].
export function stepsOf(path) {
	const steps = []
	for (const [, name, index, quoted] of path.replace(/^\$/, '').matchAll(/\.([\w-]+)|\[(\d+)\]|\['((?:\\.|[^'\\])*)'\]/g)) {
		steps.push(index !== undefined ? Number(index) : name ?? quoted.replace(/\\(.)/g, '$1'))
	}
	return steps
}

const values = new Set(['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null'])

function* children(node) {
	for (let c = node.firstChild; c; c = c.nextSibling) yield c
}

// documentOf is the value of a text as far as it can be read: what is being written is left out.
export function documentOf(state) {
	const value = (node) => {
		if (node.name === 'Object') {
			return Object.fromEntries([...children(node)].flatMap((p) => {
				const name = p.name === 'Property' && p.getChild('PropertyName')
				const of = name && [...children(p)].find((n) => values.has(n.name))
				return of ? [[unquote(text(state, name)), value(of)]] : []
			}))
		}
		if (node.name === 'Array') return [...children(node)].filter((n) => values.has(n.name)).map(value)
		return unquote(text(state, node))
	}
	const top = [...children(tree(state).topNode)].find((n) => values.has(n.name))
	return top ? value(top) : null
}

// nodeAt is the value at a path, or the closest one around where it would be.
export function nodeAt(state, path) {
	let node = [...children(tree(state).topNode)].find((n) => values.has(n.name))
	for (const step of stepsOf(path)) {
		if (!node) return null
		let next = null
		if (typeof step === 'number' && node.name === 'Array') next = [...children(node)].filter((n) => values.has(n.name))[step]
		if (typeof step === 'string' && node.name === 'Object') {
			for (const p of children(node)) {
				const name = p.name === 'Property' && p.getChild('PropertyName')
				if (name && unquote(text(state, name)) === step) next = [...children(p)].find((n) => values.has(n.name))
			}
		}
		if (!next) return node
		node = next
	}
	return node
}

// pathOf is the steps that lead to a position, whether it is in the name of a property, and whether what is around it is an Object
// or an Array.
export function pathOf(state, at) {
	const steps = []
	let inName = false, around = ''
	for (let node = tree(state).resolveInner(at, -1); node; node = node.parent) {
		if (node.name === 'PropertyName') inName = true
		if (!around && (node.name === 'Object' || node.name === 'Array')) around = node.name
		if (node.name === 'Property') {
			const name = node.getChild('PropertyName')
			if (name) steps.unshift(unquote(text(state, name)))
		} else if (node.parent?.name === 'Array' && values.has(node.name)) {
			steps.unshift([...children(node.parent)].filter((n) => values.has(n.name)).findIndex((n) => n.from === node.from))
		}
	}
	return {steps, inName, around}
}

// removal is the change that takes the property or element at a path out, with its comma.
export function removal(state, path) {
	const node = nodeAt(state, path)
	if (!node) return null
	const whole = node.parent?.name === 'Property' ? node.parent : node
	if (!['Object', 'Array'].includes(whole.parent?.name)) return null
	const doc = state.doc.toString()
	let {from, to} = whole
	const after = /^\s*,/.exec(doc.slice(to))
	if (after) {
		to += after[0].length
		to += /^[ \t]*\n?[ \t]*/.exec(doc.slice(to))[0].length
	} else {
		const before = /,\s*$/.exec(doc.slice(0, from))
		if (before) from -= before[0].length
	}
	return {from, to}
}

// usages are the positions of all strings of a text that equal a value.
export function usages(state, value) {
	const found = []
	tree(state).iterate({enter: (n) => {
		if (n.name === 'String' && unquote(text(state, n)) === value) found.push({from: n.from, to: n.to, line: state.doc.lineAt(n.from).number})
	}})
	return found
}
