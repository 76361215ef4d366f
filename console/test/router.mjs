// A router that speaks as much BGP (RFC 4271) as a session takes to be up: it advertises IPv4 prefixes and keeps what it is sent.
import {once} from 'node:events'
import {connect} from 'node:net'

const types = {open: 1, update: 2, notification: 3, keepalive: 4}

function message(type, body = Buffer.alloc(0)) {
	const head = Buffer.alloc(19, 0xff)
	head.writeUInt16BE(19 + body.length, 16)
	head[18] = type
	return Buffer.concat([head, body])
}

const short = (n) => [n >> 8, n & 255]
const long = (n) => [n >>> 24, n >> 16 & 255, ...short(n & 0xffff)]
const octets = (address) => address.split('.').map(Number)

const open = (as, id) => message(types.open, Buffer.from([4, ...short(as), ...short(30), ...octets(id), 14, 2, 12, 1, 4, 0, 1, 0, 1, 65, 4, ...long(as)])) // IPv4 unicast, four-octet ASNs

function update(as, nextHop, prefixes) {
	const path = [2, 1, ...long(as)]
	const attributes = [0x40, 1, 1, 0, 0x40, 2, path.length, ...path, 0x40, 3, 4, ...octets(nextHop)]
	const reachable = prefixes.flatMap((p) => {
		const [address, bits] = p.split('/')
		return [Number(bits), ...octets(address).slice(0, Math.ceil(bits / 8))]
	})
	return message(types.update, Buffer.from([0, 0, ...short(attributes.length), ...attributes, ...reachable]))
}

// dial brings a session of the server up, as /_portolan/bgp/sessions describes it. end closes it with Cease/Administrative
// Shutdown and a text (RFC 9003); ended is resolved when it is over, whoever ends it.
export async function dial(session, prefixes) {
	const [host, port] = session.local.split(':')
	const localAddress = session.remote.split(':')[0]
	const socket = connect({host, port: Number(port), localAddress})
	await once(socket, 'connect')
	socket.on('error', () => {}) // a connection that is reset has ended, too
	const ended = new Promise((done) => socket.once('close', done))
	const beat = setInterval(() => socket.write(message(types.keepalive)), 5000).unref()
	ended.then(() => clearInterval(beat))
	socket.write(open(session.peerAsn, session.peerAddress))
	let text = Buffer.alloc(0)
	await new Promise((up, refused) => {
		ended.then(() => refused(new Error(`the session ${session.coreNetworkAddress} is refused`)))
		socket.on('data', (data) => {
			text = Buffer.concat([text, data])
			while (text.length >= 19 && text.length >= text.readUInt16BE(16)) {
				if (text[18] === types.open) socket.write(message(types.keepalive))
				if (text[18] === types.keepalive) up()
				text = text.subarray(text.readUInt16BE(16))
			}
		})
	})
	socket.write(update(session.peerAsn, session.peerAddress, prefixes))
	return {
		ended,
		end(reason) {
			const words = Buffer.from(reason)
			socket.end(message(types.notification, Buffer.concat([Buffer.from([6, 2, words.length]), words])))
			return ended
		},
	}
}
