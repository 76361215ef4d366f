// Calls of the AWS API and of the server's own. Nothing is shown as done before an answer says so.
import {operations} from '../operations.js'
import {session} from './session.js'
import {sign} from './sigv4.js'

// CallError is an answer that is an error, or none at all (status 0).
export class CallError extends Error {
	constructor(status, type, message, detail) {
		super(message)
		this.status = status
		this.type = type
		this.detail = detail // the body, parsed
	}

	get fields() { return this.detail?.Fields ?? [] }
	get gone() { return this.status === 0 }
	get passing() { return this.gone || this.status === 429 || this.status >= 500 } // the next answer may be another
	get denied() { return this.status === 401 || this.status === 403 }
}

// send makes a request of this origin and gives the Response of status 200.
export async function send(method, path, {query, body, accept, signal, headers: more} = {}) {
	const url = new URL(path, location.origin)
	for (const [name, value] of Object.entries(query ?? {})) {
		for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined && v !== null && v !== '') url.searchParams.append(name, v)
	}
	const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
	const {key} = session
	const headers = {accept: accept ?? 'application/json', ...more, ...(await credentials(method, url, text))}
	if (text !== undefined) headers['content-type'] = 'application/json'
	const reply = await heard(fetch(url, {method, headers, body: text, signal, cache: 'no-store', credentials: 'omit'}))
	session.reach(true)
	if (reply.ok) return reply
	const detail = await reply.json().catch(() => null)
	const type = (reply.headers.get('x-amzn-errortype') ?? detail?.__type ?? `HTTP ${reply.status}`).split(':')[0]
	const e = new CallError(reply.status, type, detail?.Message ?? detail?.message ?? `The server answered ${reply.status}.`, detail)
	// An answer to what was asked with another key says nothing of this one.
	if (key === session.key && e.status === 403 && /^(MissingAuthenticationToken|UnrecognizedClient|InvalidSignature|ExpiredToken|IncompleteSignature|InvalidClientTokenId|SignatureDoesNotMatch)/.test(type)) session.refuse(e.message)
	throw e
}

// heard waits for an answer or its body: what breaks before its end is none.
async function heard(part) {
	try {
		return await part
	} catch (e) {
		if (e.name === 'AbortError') throw e
		session.reach(false)
		throw new CallError(0, 'Unreachable', 'The server cannot be reached.')
	}
}

// read gives the body of an answer, parsed.
export const read = (reply) => heard(reply.json())

async function credentials(method, url, body) {
	const {key, account} = session
	if (key) return sign(key, method, url, body)
	// Where nothing is checked, the access key says which account is meant.
	return account ? {authorization: `AWS4-HMAC-SHA256 Credential=${account}/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0`} : {}
}

// call makes an operation. params are its path labels and query parameters, spelled as on the wire.
export async function call(operation, params = {}, body, options = {}) {
	const [method, template] = operations[operation].split(' ')
	const query = {...params}
	const path = template.replace(/\{(\w+)\}/g, (_, name) => {
		delete query[name]
		return encodeURIComponent(params[name])
	})
	return read(await send(method, path, {...options, query, body}))
}

// pages makes an operation until there is no next token, and gives the list that all answers have under the name.
// progress is called with what has come so far.
export async function pages(operation, params, list, options = {}) {
	const all = []
	let nextToken
	do {
		const page = await call(operation, {...params, maxResults: 200, nextToken}, undefined, options)
		all.push(...(page[list] ?? []))
		nextToken = page.NextToken
		if (nextToken) options.progress?.(all)
	} while (nextToken)
	return all
}

// control makes a call below /_portolan/.
export async function control(method, path, {query, body, signal} = {}) {
	return read(await send(method, '/_portolan/' + path, {query, body, signal}))
}

// ask asks a question about a core network.
export const ask = (coreNetwork, question, query, options = {}) =>
	control('GET', `core-networks/${encodeURIComponent(coreNetwork)}/${question}`, {query, ...options})

// put asks a question that has a body.
export const askWith = (coreNetwork, question, body, options = {}) =>
	control('POST', `core-networks/${encodeURIComponent(coreNetwork)}/${question}`, {body, ...options})
