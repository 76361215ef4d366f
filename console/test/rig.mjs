// What the tests share: the real binary, a network on it, and Chromium.
import assert from 'node:assert/strict'
import {execFileSync, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {dirname, extname, join} from 'node:path'
import {after, afterEach, before, beforeEach} from 'node:test'
import {fileURLToPath} from 'node:url'
import axe from 'axe-core'
import {chromium} from 'playwright-core'

export const here = dirname(fileURLToPath(import.meta.url))
const binary = process.env.PORTOLAN_BINARY ?? join(here, '../../bin/portolan')
const built = process.env.CONSOLE_STATIC // a folder whose files are served in the place of the binary's, to try a change without building it

// hostile are names that must be shown as they are: markup, right to left, emoji, and as long as a name may be.
export const hostile = ['<img src=x onerror="document.title=\'run\'">', '"><script>document.title="run"</script>', '\u202eabc\u05d0\u05d1', '🦊 café 日本', 'x'.repeat(256)]

// freePort is a port that nobody listens on, and none that the kernel gives to connections: a server gets it again when it is started
// again.
async function freePort() {
	for (;;) {
		const port = 10_000 + Math.floor(Math.random() * 20_000)
		const server = createServer().listen(port, '127.0.0.1')
		if (!await once(server, 'listening').catch(() => null)) continue
		server.close()
		await once(server, 'close')
		return port
	}
}

// until tries until something is so. What is waited for is another process.
export async function until(what, f, times = 3600) {
	for (let i = 0; i < times; i++) {
		const value = await f().catch(() => null)
		if (value) return value
		await new Promise((r) => setTimeout(r, 50))
	}
	throw new Error(`not within ${times} tries: ${what}`)
}

// serve starts the binary; stop ends it, start begins it again with the same data and port.
export async function serve(...args) {
	const port = await freePort()
	const data = mkdtempSync(join(tmpdir(), 'portolan-console-'))
	const server = {url: `http://127.0.0.1:${port}`, process: null}
	let ended // whether it was stopped or fell
	server.start = async () => {
		let log = ''
		server.process = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, '--data', data, '--log-level', 'error', '--drain', '1s', ...args], {stdio: ['ignore', 'ignore', 'pipe']})
		ended = once(server.process, 'exit')
		server.process.stderr.on('data', (d) => { log += d })
		await until('the server is ready', async () => (await fetch(server.url + '/_portolan/health')).ok).catch((e) => { throw new Error(`${e.message}: ${log}`) })
	}
	server.stop = async () => {
		server.process.kill('SIGTERM')
		await ended
	}
	server.end = async () => {
		await server.stop()
		rmSync(data, {recursive: true, force: true})
	}
	await server.start()
	return server
}

// client makes calls of the API, for an account where that is not the server's own.
export const client = (url, account) => async (method, path, body) => {
	const authorization = account && {authorization: `AWS4-HMAC-SHA256 Credential=${account}/20260101/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0`}
	const reply = await fetch(url + path, {method, headers: {accept: 'application/json', ...authorization}, body: body && JSON.stringify(body)})
	const text = await reply.text()
	if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
	return text ? JSON.parse(text) : null
}

const arn = (region, kind, id) => `arn:aws:ec2:${region}:111122223333:${kind}/${id}`

// network makes a global network with an inventory and a core network of three Regions. Its ids are in what it gives.
export async function network(url) {
	const api = client(url)
	const gn = (await api('POST', '/global-networks', {Description: 'Acme'})).GlobalNetwork.GlobalNetworkId
	const tag = (name) => [{Key: 'Name', Value: name.replace(/[^\p{L}\p{N} _.:/=+@-]/gu, '')}] // tags take no other characters
	const below = `/global-networks/${gn}`
	const site = (await api('POST', below + '/sites', {Description: 'Dublin office', Location: {Address: '1 Main St', Latitude: '53.3', Longitude: '-6.2'}, Tags: tag('dublin')})).Site.SiteId
	for (const name of hostile) await api('POST', below + '/sites', {Description: name, Tags: tag(name)})
	const device = (await api('POST', below + '/devices', {SiteId: site, Description: 'edge router', Vendor: 'acme', Tags: tag('router-1')})).Device.DeviceId
	const link = (await api('POST', below + '/links', {SiteId: site, Description: 'fibre', Bandwidth: {UploadSpeed: 100, DownloadSpeed: 100}, Tags: tag('fibre-1')})).Link.LinkId
	await api('POST', below + '/link-associations', {DeviceId: device, LinkId: link})
	const policy = readFileSync(join(here, 'policy.json'), 'utf8')
	const cn = (await api('POST', '/core-networks', {GlobalNetworkId: gn, Description: 'Acme WAN', PolicyDocument: policy})).CoreNetwork.CoreNetworkId
	const state = (path, pick, want) => until(`${path} is ${want}`, async () => pick(await api('GET', path)) === want)
	await state(`/core-networks/${cn}`, (r) => r.CoreNetwork.State, 'AVAILABLE')
	const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-2']
	const ids = {}
	let n = 0
	const vpc = async (name, region, tags, prefix, settled = 'AVAILABLE') => {
		const hex = String(++n).padStart(17, '0')
		const id = (await api('POST', '/vpc-attachments', {CoreNetworkId: cn, VpcArn: arn(region, 'vpc', 'vpc-' + hex), SubnetArns: [arn(region, 'subnet', 'subnet-' + hex)], Tags: [...tag(name), ...tags]})).VpcAttachment.Attachment.AttachmentId
		await state(`/vpc-attachments/${id}`, (r) => r.VpcAttachment.Attachment.State, settled)
		if (prefix) await api('PUT', `/_portolan/announcements/${id}`, [{prefix}])
		return ids[name] = id
	}
	for (const [i, region] of regions.entries()) {
		await vpc(`prod-${i}`, region, [{Key: 'segment', Value: 'prod'}], `10.${i}.0.0/16`)
		await vpc(`dev-${i}`, region, [{Key: 'segment', Value: 'dev'}], `10.1${i}.0.0/16`)
		await vpc(`firewall-${i}`, region, [{Key: 'inspect', Value: 'yes'}])
	}
	await vpc('shared-0', 'us-east-1', [{Key: 'segment', Value: 'shared'}], '10.100.0.0/16')
	await vpc('guest-0', 'eu-west-1', [{Key: 'segment', Value: 'guest'}], '', 'PENDING_ATTACHMENT_ACCEPTANCE')
	await vpc('guest-1', 'us-east-1', [{Key: 'segment', Value: 'guest'}], '', 'PENDING_ATTACHMENT_ACCEPTANCE')
	await vpc(hostile[0], 'eu-west-1', [{Key: 'segment', Value: 'dev'}], '10.50.0.0/16')
	const connect = (await api('POST', '/connect-attachments', {CoreNetworkId: cn, EdgeLocation: 'us-east-1', TransportAttachmentId: ids['prod-0'], Options: {Protocol: 'GRE'}, Tags: [...tag('sd-wan'), {Key: 'segment', Value: 'prod'}]})).ConnectAttachment.Attachment.AttachmentId
	await state(`/connect-attachments/${connect}`, (r) => r.ConnectAttachment.Attachment.State, 'AVAILABLE')
	const peer = (await api('POST', '/connect-peers', {ConnectAttachmentId: connect, PeerAddress: '10.0.0.5', InsideCidrBlocks: ['169.254.40.0/29'], BgpOptions: {PeerAsn: 65001}, Tags: tag('branch')})).ConnectPeer.ConnectPeerId
	await state(`/connect-peers/${peer}`, (r) => r.ConnectPeer.State, 'AVAILABLE')
	await api('PUT', `/_portolan/announcements/${peer}`, [{prefix: '192.168.1.0/24', asPath: [65001]}])
	return {gn, cn, site, device, link, connect, peer, ids, policy, api}
}

// delays has every call of a page, and every answer to one, come 0, 100 or 2,000 milliseconds later, at random: with CONSOLE_DELAY=SEED
// what a test does not wait for is not there.
const delayed = Boolean(process.env.CONSOLE_DELAY)
let seed = Number(process.env.CONSOLE_DELAY)
async function delays(page) {
	const cdp = await page.context().newCDPSession(page)
	cdp.on('Fetch.requestPaused', ({requestId, responseStatusCode, responseErrorReason}) => {
		seed = Math.imul(seed, 1103515245) + 12345
		const what = responseStatusCode || responseErrorReason ? 'Fetch.continueResponse' : 'Fetch.continueRequest'
		setTimeout(() => cdp.send(what, {requestId}).catch(() => {}), [0, 100, 2000][(seed >>> 16) % 3]) // the page may be closed
	})
	await cdp.send('Fetch.enable', {patterns: ['Request', 'Response'].map((requestStage) => ({requestStage, resourceType: 'Fetch'}))})
}

// shown is what a page shows: its address, its text and what its browser complained of.
async function shown(page) {
	const main = await page.locator('main').innerText({timeout: 5000}).catch((e) => e.message)
	return `${page.url()}\n${main.slice(0, 3000)}\n${page.complaints.map((c) => 'complaint: ' + c).join('\n')}`
}

const types = {'.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml'}

// browser starts Chromium. page gives a page that fails the test when the console of the browser has an error.
export async function browser() {
	const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p))
	if (!found) throw new Error('Chromium is not installed: scripts/setup installs it')
	const chrome = await chromium.launch({executablePath: found, args: ['--no-sandbox', '--font-render-hinting=none', '--disable-lcd-text']})
	chrome.pageOf = async (options = {}) => {
		const context = await chrome.newContext({viewport: {width: 1280, height: 900}, reducedMotion: 'reduce', colorScheme: 'light', ...options})
		context.setDefaultTimeout(180_000)
		const page = await context.newPage()
		if (delayed) await delays(page)
		page.complaints = []
		page.on('pageerror', (e) => page.complaints.push('error: ' + e.message))
		page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) page.complaints.push(m.text()) })
		if (built) {
			await page.route(/\/console(\/|$)/, async (route) => {
				const name = new URL(route.request().url()).pathname.replace(/^\/console\/?/, '')
				const file = existsSync(join(built, name)) && extname(name) ? name : 'index.html'
				const real = await route.fetch({url: new URL('/console/', route.request().url()).href}).catch(() => null)
				if (!real) return route.abort()
				await route.fulfill({body: readFileSync(join(built, file)), headers: {'content-type': types[extname(file)] ?? 'text/plain', 'content-security-policy': real.headers()['content-security-policy']}})
			})
		}
		return page
	}
	return chrome
}

// stage has, while the tests of a file run, a server, the network on it unless it is bare, and Chromium. at gives a page at an address below
// /console/, cn is the core network that --snapshot made. Pages that are open when a test fails are printed, and closed.
export function stage({args = [], bare = false} = {}) {
	const on = {}
	before(async () => {
		on.server = await serve(...args)
		if (!bare) on.net = await network(on.server.url)
		if (args.includes('--snapshot') && !args.includes('--credentials')) on.cn = (await client(on.server.url, account)('GET', '/core-networks')).CoreNetworks[0].CoreNetworkId
		on.chrome = await browser()
	})
	after(async () => {
		await on.chrome?.close()
		await on.server?.end()
	})
	afterEach(async (t) => {
		if (t.passed) return
		for (const context of on.chrome?.contexts() ?? []) {
			for (const page of context.pages()) console.error(`${t.name}: ${await shown(page)}`)
			await context.close()
		}
	})
	on.at = async (path, options) => {
		const page = await on.chrome.pageOf(options)
		await page.goto(`${on.server.url}/console/${path}`)
		return page
	}
	// each gives a page of its own to each test of a file, which must not complain.
	on.each = (take) => {
		let page
		beforeEach(async () => take(page = await on.chrome.pageOf()))
		afterEach(async () => {
			assert.deepEqual(page.complaints, [])
			await page.context().close()
		})
	}
	return on
}

export const account = '111122223333' // of snapshots

// atQuota writes a network at AWS's quotas as a file below a folder, for --snapshot.
export function atQuota(folder) {
	const file = join(folder, 'network.json')
	writeFileSync(file, execFileSync('go', ['run', './bench/atquota/print'], {cwd: join(here, '../..'), maxBuffer: 1 << 26}))
	return file
}

// settled waits until nothing of a view is loading.
export async function settled(page, timeout = 120_000) {
	await page.locator('h1').waitFor()
	await page.waitForFunction(() => !document.querySelector('main .loading'), null, {timeout})
}

export const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

// findings are what axe finds on a page.
export async function findings(page, rules = wcag) {
	await page.evaluate(axe.source)
	const {violations} = await page.evaluate((runOnly) => axe.run(document, {runOnly, resultTypes: ['violations']}), rules)
	return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`)
}
