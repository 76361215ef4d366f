// Text of values. Numbers and times are written the same in every language: grouped by thin spaces, UTC.

export const number = (n) => n === undefined || n === null ? '' : String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')

// time is a moment of the API: seconds, or RFC 3339.
export function time(value) {
	if (value === undefined || value === null || value === '') return ''
	const date = value instanceof Date ? value : typeof value === 'number' ? new Date(value * 1000) : new Date(value)
	return Number.isNaN(date.getTime()) ? String(value) : date.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC')
}

export const plural = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`

export const lastPart = (arn) => (arn ?? '').split('/').pop()

// tags are a list of the API as text.
export const tags = (list) => (list ?? []).map((t) => `${t.Key}=${t.Value ?? ''}`).join(', ')

export const nameOf = (x) => (x?.Tags ?? []).find((t) => t.Key === 'Name')?.Value ?? ''

// csv is rows as RFC 4180 has them. A cell that a spreadsheet would take for a formula begins with an apostrophe.
export function csv(rows) {
	const cell = (v) => {
		let s = v === undefined || v === null ? '' : String(v)
		if (/^[=+\-@\t\r]/.test(s) && !/^-?\d+(\.\d+)?$/.test(s)) s = "'" + s
		return /[",\n\r]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s
	}
	return rows.map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n'
}

// contains tells whether a text has every word that is looked for.
export const contains = (text, words) => words.every((w) => text.includes(w))
export const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean)

// withNames writes the Name tags of attachments and Connect peers before their ids in a text.
export const withNames = (text, names) => names ? String(text ?? '').replace(/(?:attachment|connect-peer)-\w+/g, (id) => names[id] ? `${names[id]} (${id})` : id) : text ?? ''

// clip is a name that fits: both ends of it, since ids differ in their last characters.
export function clip(text, most) {
	const chars = Array.from(text ?? '')
	if (chars.length <= most) return text
	return chars.slice(0, most / 2 - 1).join('') + '…' + chars.slice(-most / 2).join('')
}
