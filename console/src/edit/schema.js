// What a JSON Schema says of a place in a document. Of the keywords, those that the schema of policies uses.

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v)

// fits tells whether an object may be what an alternative describes: no member has a value that the alternative does not know.
// The member that is being written does not count.
function fits(schema, value, writing) {
	return !isObject(value) || Object.entries(value).every(([name, v]) => name === writing || typeof v !== 'string' || !schema.properties?.[name]?.enum || schema.properties[name].enum.includes(v))
}

const apart = (schema) => schema.anyOf ? schema.anyOf.flatMap(apart) : [schema]

function alternatives(schema, value, writing) {
	const all = apart(schema)
	const fitting = all.filter((s) => fits(s, value, writing))
	return fitting.length ? fitting : all
}

// schemasAt are the schemas that may hold at the end of steps, given what the document has on the way.
export function schemasAt(schema, steps, document) {
	let list = alternatives(schema, document, steps[0]), value = document
	for (const [i, step] of steps.entries()) {
		value = value?.[step]
		const writing = steps[i + 1]
		list = list.map((s) => typeof step === 'number' ? s.items : s.properties?.[step]).filter(Boolean).flatMap((s) => alternatives(s, value, writing))
	}
	return list
}

// membersOf are the members that objects of the schemas may have, by name: description, and whether every schema requires it.
export function membersOf(schemas) {
	const objects = schemas.filter((s) => s.properties)
	const members = new Map()
	for (const s of objects) for (const [name, m] of Object.entries(s.properties)) {
		if (m !== false && !members.has(name)) members.set(name, {description: m.description, required: objects.every((o) => o.required?.includes(name))})
	}
	return members
}

// valuesOf are the values that the schemas name.
export const valuesOf = (schemas) => [...new Set(schemas.flatMap((s) => s.enum ?? ('const' in s ? [s.const] : s.type === 'boolean' ? [true, false] : [])))]

// itemsOf are the schemas of the items of arrays.
export const itemsOf = (schemas) => schemas.flatMap((s) => s.items ? apart(s.items) : [])
