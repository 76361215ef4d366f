// CodeMirror, put together from the parts that a policy needs.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap} from '@codemirror/autocomplete'
import {defaultKeymap, history, historyKeymap, indentWithTab} from '@codemirror/commands'
import {json} from '@codemirror/lang-json'
import {HighlightStyle, bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting} from '@codemirror/language'
import {lintGutter, lintKeymap, setDiagnostics} from '@codemirror/lint'
import {highlightSelectionMatches, searchKeymap} from '@codemirror/search'
import {ChangeSet, EditorState} from '@codemirror/state'
import {EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers} from '@codemirror/view'
import {tags} from '@lezer/highlight'
import {complete} from './complete.js'
import {nodeAt, removal} from './tree.js'

const colours = HighlightStyle.define([
	{tag: tags.propertyName, color: 'var(--link)'}, {tag: tags.string, color: 'var(--good)'}, {tag: tags.number, color: 'var(--mid)'}, {tag: [tags.bool, tags.null], color: 'var(--bad)'},
])

const look = EditorView.theme({
	'&': {backgroundColor: 'var(--panel)', color: 'var(--text)', fontSize: '13px'},
	'.cm-content': {fontFamily: 'var(--mono)', caretColor: 'var(--text)'},
	'.cm-cursor': {borderLeftColor: 'var(--text)'},
	'.cm-gutters': {backgroundColor: 'var(--ground)', color: 'var(--soft)', border: '0'},
	'.cm-activeLine, .cm-activeLineGutter': {backgroundColor: 'var(--row)'},
	'&.cm-focused': {outline: '2px solid var(--mark)'},
	'.cm-selectionBackground, &.cm-focused .cm-selectionBackground': {backgroundColor: 'light-dark(#c3dcf5, #27496b) !important'},
	'.cm-tooltip': {backgroundColor: 'var(--panel)', color: 'var(--text)', border: '1px solid var(--line)'},
	'.cm-tooltip-autocomplete ul li[aria-selected]': {backgroundColor: 'var(--mark)', color: 'var(--onmark)'},
	'.cm-panels': {backgroundColor: 'var(--ground)', color: 'var(--text)'},
})

// open makes an editor in an element, below a shadow root: there CodeMirror's styles are sheets and no elements, which the
// page's Content-Security-Policy would refuse. changed(update) is called after every change, moved(view) when the cursor moves;
// schemaOf gives the JSON Schema of a text for completion.
export function open(parent, text, {changed, moved, schemaOf}) {
	const root = parent.shadowRoot ?? parent.attachShadow({mode: 'open'})
	const view = new EditorView({
		parent: root,
		root,
		state: EditorState.create({
			doc: text,
			extensions: [
				lineNumbers(), foldGutter(), codeFolding(), history(), drawSelection(), indentOnInput(), indentUnit.of('  '), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), EditorView.lineWrapping,
				json(), syntaxHighlighting(colours), look, lintGutter(), autocompletion({override: [complete(schemaOf)]}),
				keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
				EditorView.contentAttributes.of({'aria-label': 'Policy document. Tab indents; Escape, then Tab leaves the editor.', spellcheck: 'false'}),
				EditorView.updateListener.of((u) => {
					if (u.docChanged) changed(u)
					if (u.docChanged || u.selectionSet) moved?.(u.view)
				}),
			],
		}),
	})
	view.scrollDOM.tabIndex = 0 // it can be scrolled by keys without moving the cursor
	return view
}

// place is where a finding is: its value, or its line and column, which are counted in bytes.
function place(state, f) {
	const node = f.path && f.path !== '$' && nodeAt(state, f.path)
	if (node) return {from: node.from, to: Math.min(node.to, Math.max(state.doc.lineAt(node.from).to, node.from))}
	const line = state.doc.line(Math.min(Math.max(f.line, 1), state.doc.lines))
	const bytes = new TextEncoder().encode(line.text).slice(0, Math.max(f.column - 1, 0))
	return {from: Math.min(line.from + new TextDecoder().decode(bytes).length, line.to), to: line.to}
}

// textOf is the text of a state that something is asked about. What changes after that is told to since, so that an answer has its place
// in the text that is there when it comes.
export function textOf(state) {
	let changes = ChangeSet.empty(state.doc.length)
	return {
		state, text: state.doc.toString(),
		since: (more) => { changes = changes.compose(more) },
		now: ({from, to}) => ({from: changes.mapPos(from, 1), to: Math.max(changes.mapPos(from, 1), changes.mapPos(to, -1))}),
	}
}

// fixesOf are changes that settle a finding, where one is known.
export function fixesOf(state, f) {
	const fixes = []
	const node = f.path && nodeAt(state, f.path)
	const name = /did you mean "?([^"?]+)"?\??/i.exec(f.hint ?? '')?.[1]
	if (name && node) {
		const property = node.parent?.name === 'Property' && /PROPERT/.test(f.rule) ? node.parent.getChild('PropertyName') : null
		const at = property ?? node
		if (property || at.name === 'String') fixes.push({name: `Change to ${name}`, change: {from: at.from, to: at.to, insert: JSON.stringify(name)}})
	}
	const removable = f.refused ? /PROPERT|DUPLICATE|UNDEFINED/.test(f.rule) && !/REQUIRED/.test(f.rule) : true
	// Advice about a member of an element, such as its name, is about the element.
	const whole = f.refused ? f.path : f.path?.replace(/\]\.[\w-]+$/, ']')
	const gone = removable && whole ? removal(state, whole) : null
	if (gone) fixes.push({name: `Remove ${whole.slice(2)}`, change: gone})
	return fixes
}

// mark shows findings about a text at their places. A fix is worked out again when it is applied, since the text may have changed.
export function mark(view, findings, of) {
	view.dispatch(setDiagnostics(view.state, findings.map((f) => ({
		...of.now(place(of.state, f)), severity: {error: 'error', warning: 'warning', note: 'info'}[f.level] ?? 'info', source: f.rule,
		message: f.message + (f.hint ? `\n${f.hint}` : ''),
		actions: fixesOf(of.state, f).map(({name}) => ({name, apply: (v) => v.dispatch({changes: fixesOf(v.state, f).find((fix) => fix.name === name)?.change ?? []})})),
	})).sort((a, b) => a.from - b.from)))
}

export const positionOf = (view, f) => place(view.state, f)

// show moves the cursor to a place and the place into sight.
export function show(view, range) {
	view.dispatch({selection: {anchor: range.from}, effects: EditorView.scrollIntoView(range.from, {y: 'center'})})
	view.focus()
}

// replace puts another text in the place of the document, as one change that can be undone.
export function replace(view, text) {
	if (view.state.doc.toString() !== text) view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: text}})
}
