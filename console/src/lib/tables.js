// Names of route tables, as control calls write them: SEGMENT@EDGE, nfg:GROUP@EDGE.

export function tableOf(text) {
	const at = text.lastIndexOf('@')
	const group = text.startsWith('nfg:')
	return {name: text.slice(group ? 4 : 0, at), edge: text.slice(at + 1), group}
}
