// AWS Signature Version 4 by WebCrypto. The key stays in memory: nothing here writes it anywhere.

const encoder = new TextEncoder()

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('')

async function sha256(text) {
	return hex(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

async function hmac(key, text) {
	const k = await crypto.subtle.importKey('raw', key, {name: 'HMAC', hash: 'SHA-256'}, false, ['sign'])
	return crypto.subtle.sign('HMAC', k, encoder.encode(text))
}

// uriEncode is RFC 3986's encoding, as AWS has it.
export function uriEncode(text) {
	return encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase())
}

// canSign tells whether the browser lets this page sign: WebCrypto needs https or a loopback address.
export const canSign = () => Boolean(globalThis.crypto?.subtle)

// sign returns the headers that sign a request to url, a URL of this origin. key has id, secret, token and region.
export async function sign(key, method, url, body, now = new Date()) {
	const date = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
	const scope = `${date.slice(0, 8)}/${key.region || 'us-west-2'}/networkmanager/aws4_request`
	const hash = await sha256(body ?? '')
	const headers = {host: url.host, 'x-amz-content-sha256': hash, 'x-amz-date': date}
	if (key.token) headers['x-amz-security-token'] = key.token
	const names = Object.keys(headers).sort()
	const query = [...url.searchParams].map(([k, v]) => [uriEncode(k), uriEncode(v)])
	query.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
	const path = url.pathname.split('/').map(uriEncode).join('/') // every part is encoded twice, as for all services but S3
	const canonical = [
		method, path, query.map((pair) => pair.join('=')).join('&'),
		...names.map((n) => `${n}:${headers[n]}`), '', names.join(';'), hash,
	].join('\n')
	const text = ['AWS4-HMAC-SHA256', date, scope, await sha256(canonical)].join('\n')
	let k = encoder.encode('AWS4' + key.secret)
	for (const part of scope.split('/')) k = await hmac(k, part)
	const signature = hex(await hmac(k, text))
	delete headers.host
	return {...headers, authorization: `AWS4-HMAC-SHA256 Credential=${key.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`}
}
