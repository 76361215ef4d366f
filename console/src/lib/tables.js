// Names of route tables, as control calls write them: SEGMENT@EDGE, nfg:GROUP@EDGE.

export function tableOf(text) {
	const at = text.lastIndexOf('@')
	const group = text.startsWith('nfg:')
	return {name: text.slice(group ? 4 : 0, at), edge: text.slice(at + 1), group}
}

// tableLink is the view of a table, opened at a prefix or an address, as a link takes it.
export function tableLink(cn, text, why) {
	const t = tableOf(text)
	return {to: ['cn', cn, 'routes'], params: {[t.group ? 'group' : 'segment']: t.name, edge: t.edge, why}}
}
