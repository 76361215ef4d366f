// What is shown does not stay old: answers that come late or fail, a server that is away for one call, events without a pause, and what
// no event tells of.
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {settled, stage, until} from './rig.mjs'

const on = stage()
let net, page

on.each((fresh) => {
	net = on.net
	page = fresh
})

const open = (path) => page.goto(`${on.server.url}/console/${path}`)
const tab = (name) => page.getByRole('list').getByRole('link', {name, exact: true})

// held has requests wait, the first so many, until they are let go.
async function held(url, first = Infinity) {
	let go, n = 0
	const gate = new Promise((done) => { go = done })
	await page.route(url, async (route) => {
		if (n++ < first) await gate
		await route.continue()
	})
	return {waits: () => until(`${url} is asked for`, async () => n > 0), go}
}

// answered has the first request answered otherwise.
async function answered(url, otherwise) {
	let first = true
	await page.route(url, async (route) => {
		if (!first) return route.continue()
		first = false
		await otherwise(route)
	})
}

const refused = (status) => (route) => route.fulfill({status, json: {Message: 'Not this time.'}})

// timed has the clock of the page stand still once it is paused.
async function timed() {
	await page.clock.install()
	return {pause: () => page.clock.pauseAt(Date.now() + 20_000)}
}

// spoken has the stream of events say what is said, and nothing else.
async function spoken() {
	await page.addInitScript(() => {
		const real = fetch
		window.streams = 0
		window.asked = {} // how often, by path
		window.fetch = (url, options) => {
			window.asked[url.pathname] = (window.asked[url.pathname] ?? 0) + 1
			if (options.headers.accept !== 'text/event-stream') return real(url, options)
			window.streams++
			if (window.refused) return Promise.resolve(new Response('{}', {status: 403}))
			window.after = options.headers['last-event-id']
			options.signal.addEventListener('abort', () => { window.left = true })
			return Promise.resolve(new Response(new ReadableStream({start(c) { window.say = (text) => c.enqueue(new TextEncoder().encode(text)) }})))
		}
	})
	const begun = (n = 1) => page.waitForFunction((n) => window.streams >= n, n)
	const say = () => page.evaluate(() => window.say('id: token\ndata: {"detail-type": "Network Manager Policy Update", "detail": {}}\n\n'))
	const refuse = () => page.evaluate(() => { window.refused = true })
	return {begun, say, refuse}
}

// roundTrip waits for the answer to one more request of the page: those before it have had time for theirs.
const roundTrip = () => page.evaluate(async () => { await (await fetch(new URL('/_portolan/health', location), {headers: {}})).text() })

// looked has somebody look at the page, or nobody.
const looked = (at) => page.evaluate((at) => {
	Object.defineProperty(document, 'hidden', {value: !at, configurable: true})
	document.dispatchEvent(new Event('visibilitychange'))
}, at)

// counted counts requests to an address, by the page.
function counted(path) {
	const count = {asked: 0, ended: 0}
	const is = (r) => new URL(r.url()).pathname === path
	page.on('request', (r) => { if (is(r)) count.asked++ })
	for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => { if (is(r)) count.ended++ })
	return count
}

const attach = async (hex) => (await net.api('POST', '/vpc-attachments', {CoreNetworkId: net.cn, VpcArn: `arn:aws:ec2:us-east-1:111122223333:vpc/vpc-${hex}`, SubnetArns: [`arn:aws:ec2:us-east-1:111122223333:subnet/subnet-${hex}`], Tags: [{Key: 'segment', Value: 'dev'}]})).VpcAttachment.Attachment.AttachmentId
const site = async (name) => (await net.api('POST', `/global-networks/${net.gn}/sites`, {Description: name})).Site.SiteId

test('events without a pause do not put off that what they are about is asked again', async () => {
	const {pause} = await timed()
	const {begun, say} = await spoken()
	const path = `/core-networks/${net.cn}`
	let answers = 0
	page.on('requestfinished', (r) => { if (new URL(r.url()).pathname === path) answers++ })
	const asked = () => page.evaluate((path) => window.asked[path], path)
	await open(`cn/${net.cn}`)
	await settled(page)
	await begun()
	await pause()
	await until('nothing is awaited', async () => answers === await asked())
	const before = answers
	for (let second = 1; second <= 3; second++) {
		for (let i = 0; i < 10; i++) {
			await say()
			await page.clock.runFor(100)
		}
		await until('it is asked again', async () => answers >= before + second)
		assert.equal(await asked() - before, second, 'once for events that come together, and once a second')
	}
})

test('what changes before the stream of events begins is asked again', async () => {
	const latest = await held(/_portolan\/events\?last=1$/)
	await open(`cn/${net.cn}/attachments`)
	await page.getByRole('button', {name: `Open ${net.ids['prod-0']}`}).waitFor()
	await latest.waits()
	const id = await attach('0cccccccccccccccc')
	latest.go()
	await page.getByRole('row', {name: `Open ${id} ${id} VPC AVAILABLE`}).waitFor()
})

test('a stream that is silent is begun again', async () => {
	const {pause} = await timed()
	const {begun} = await spoken()
	await open('events')
	await begun()
	await page.getByText('● live', {exact: true}).waitFor()
	await pause()
	await page.clock.runFor(46_000)
	await begun(2)
})

test('the stream is left while nobody looks at the page, and goes on where it was', async () => {
	const {pause} = await timed()
	const {begun, say} = await spoken()
	await open('events')
	await begun()
	await say()
	await page.getByRole('row', {name: 'Policy Update'}).waitFor()
	await pause()
	await looked(false)
	assert.ok(await page.evaluate(() => window.left))
	await page.getByText('✕ not connected', {exact: true}).waitFor()
	await page.clock.runFor(10_000)
	await roundTrip()
	assert.equal(await page.evaluate(() => window.streams), 1)
	await looked(true)
	await begun(2)
	assert.equal(await page.evaluate(() => window.after), 'token')
	assert.equal(await page.evaluate(() => window.streams), 2)
})

test('a stream that is refused is not shown as live', async () => {
	const {begun, refuse} = await spoken()
	await open('events')
	await begun()
	await page.getByText('● live', {exact: true}).waitFor()
	await refuse()
	await looked(false)
	await looked(true)
	await begun(2)
	await page.getByText('✕ not connected', {exact: true}).waitFor()
})

test('nothing is asked again while nobody looks at the page', async () => {
	const {pause} = await timed()
	await spoken()
	const list = counted('/attachments')
	await page.route(/\/attachments\?/, async (route) => {
		const response = await route.fetch()
		const {Attachments} = await response.json()
		await route.fulfill({response, json: {Attachments: Attachments.map((a) => ({...a, State: 'CREATING'}))}})
	})
	await open(`cn/${net.cn}/attachments`)
	await page.getByRole('button', {name: `Open ${net.ids['prod-0']}`}).waitFor()
	await pause()
	await until('nothing is awaited', async () => list.asked === list.ended)
	await looked(false)
	const before = list.asked
	await page.clock.runFor(60_000)
	await roundTrip()
	assert.equal(list.asked, before)
	await looked(true)
	await until('it is asked again, and answered', async () => list.asked > before && list.asked === list.ended)
})

test('a call that never has an answer is tried ever later, and nothing else is asked again for it', async () => {
	const {pause} = await timed()
	await spoken()
	await page.addInitScript(() => {
		const next = fetch
		window.fetch = (url, options) => url.pathname.endsWith('/doctor') ? (window.tried = (window.tried ?? 0) + 1, Promise.reject(new TypeError('blocked'))) : next(url, options)
	})
	const versions = counted(`/core-networks/${net.cn}/core-network-policy-versions`)
	await open(`cn/${net.cn}`)
	await page.getByText('Policy in force').waitFor()
	await pause()
	await until('nothing is awaited', async () => versions.asked === versions.ended)
	const before = versions.asked
	const tried = await page.evaluate(() => window.tried)
	for (let second = 0; second < 60; second++) {
		await page.clock.runFor(1000)
		await roundTrip()
	}
	const more = await page.evaluate(() => window.tried) - tried
	assert.ok(more >= 1 && more <= 5, `tried ${more} times`)
	assert.equal(versions.asked, before)
})

test('an answer that breaks within its body is none: the last one stays, and it is asked for again', async () => {
	const {begun, say} = await spoken()
	await page.addInitScript(() => {
		const next = fetch
		window.fetch = async (url, options) => {
			if (!url.pathname.endsWith('/connect-peers') || !window.cut) return next(url, options)
			window.cut = false
			return new Response(new ReadableStream({start(c) { c.error(new TypeError('network error')) }}))
		}
	})
	await open(`cn/${net.cn}/peers`)
	const peer = page.getByRole('link', {name: net.peer})
	await peer.waitFor()
	await begun()
	await page.evaluate(() => { window.cut = true })
	await say()
	await page.getByText('Shown is the last answer.').waitFor()
	assert.ok(await peer.isVisible())
	await page.getByText('Shown is the last answer.').waitFor({state: 'detached'})
	assert.ok(await peer.isVisible())
})

test('the editor opens though events come before the answers that are asked for', async () => {
	const {begun, say} = await spoken()
	const {pause} = await timed()
	const waiting = []
	await page.route(/\/core-network-polic/, (route) => { waiting.push(route) })
	await open(`cn/${net.cn}/edit`)
	await begun()
	await pause()
	for (let i = 0; i < 5; i++) {
		await until('it is asked', async () => waiting.length)
		await say()
		await page.clock.runFor(1000)
		for (const route of waiting.splice(0)) await route.continue()
	}
	await until('it is asked again', async () => waiting.length)
	await page.clock.resume()
	await page.locator('.cm-content').waitFor()
})

test('an answer that fails for now is asked for again, any other by the next view that shows it', async () => {
	await answered(/\/sites\?/, refused(503))
	await open(`gn/${net.gn}/sites`)
	await page.locator('.failure').getByText('Not this time.').waitFor()
	await page.getByRole('button', {name: `Open ${net.site}`}).waitFor()
	await answered(/\/links\?/, refused(400))
	await tab('Links').click()
	await page.locator('.failure').getByText('Not this time.').waitFor()
	await tab('Devices').click()
	await page.getByRole('button', {name: `Open ${net.device}`}).waitFor()
	await tab('Links').click()
	await page.getByRole('button', {name: `Open ${net.link}`}).waitFor()
})

test('what fails to be asked again stays, and says so', async () => {
	const {begun, say} = await spoken()
	await open(`cn/${net.cn}/peers`)
	await page.getByRole('link', {name: net.peer}).waitFor()
	await begun()
	await answered(/\/connect-peers\?/, refused(500))
	await say()
	await page.getByText('Shown is the last answer.').waitFor()
	assert.ok(await page.getByRole('link', {name: net.peer}).isVisible())
	await page.getByText('Shown is the last answer.').waitFor({state: 'detached'})
})

test('a server that could not be reached by one call is tried until it answers, though the stream goes on', async () => {
	const {begun} = await spoken()
	await open(`gn/${net.gn}/sites`)
	await page.getByRole('button', {name: `Open ${net.site}`}).waitFor()
	await begun()
	await answered(/\/links\?/, (route) => route.abort('connectionreset'))
	await tab('Links').click()
	const banner = page.getByText('The server cannot be reached since')
	await banner.waitFor()
	await page.getByRole('button', {name: `Open ${net.link}`}).waitFor()
	await banner.waitFor({state: 'detached'})
})

test('what has no events is asked for again by every view, and now and then', async () => {
	const {pause} = await timed()
	await open(`gn/${net.gn}/sites`)
	await page.getByRole('button', {name: `Open ${net.site}`}).waitFor()
	const one = await site('one')
	await tab('Devices').click()
	await page.getByRole('button', {name: `Open ${net.device}`}).waitFor()
	await tab('Sites').click()
	await page.getByRole('button', {name: `Open ${one}`}).waitFor()
	const other = await site('other')
	await pause()
	await page.clock.runFor(30_000)
	await page.getByRole('button', {name: `Open ${other}`}).waitFor()
})

test('a state that ends by itself is asked for until it has ended', async () => {
	await spoken()
	await answered(/\/attachments\?/, async (route) => {
		const response = await route.fetch()
		const {Attachments} = await response.json()
		await route.fulfill({response, json: {Attachments: Attachments.map((a) => a.AttachmentId === net.ids['prod-0'] ? {...a, State: 'PENDING_NETWORK_UPDATE'} : a)}})
	})
	await open(`cn/${net.cn}/attachments`)
	const row = (state) => page.getByRole('row', {name: `Open ${net.ids['prod-0']} ${net.ids['prod-0']} prod-0 VPC ${state} us-east-1`})
	await row('PENDING_NETWORK_UPDATE').waitFor()
	await row('AVAILABLE').waitFor()
})

test('an answer for another account that comes late is not shown', async () => {
	const late = await held(/\/global-networks\?/, 1)
	await open('')
	await late.waits()
	await page.getByRole('button', {name: 'Account 000000000000'}).click()
	await page.getByLabel('Account', {exact: true}).fill('222233334444')
	await page.getByRole('button', {name: 'Use', exact: true}).click()
	const none = page.getByRole('heading', {name: 'There is no network in this account'})
	await none.waitFor()
	const answer = page.waitForResponse(/\/global-networks\?/)
	late.go()
	await (await answer).finished()
	await page.evaluate(() => new Promise(requestAnimationFrame))
	assert.ok(await none.isVisible())
	await page.getByRole('button', {name: 'Account 222233334444'}).waitFor()
})

test('nothing is said before it is known', async () => {
	const associations = await held(/\/connect-peer-associations/)
	await open(`cn/${net.cn}/peers/${net.peer}`)
	await page.getByText('Loading its device…', {exact: true}).waitFor()
	assert.equal(await page.getByLabel('Associate with device').count(), 0)
	associations.go()
	await page.getByLabel('Associate with device').waitFor()
	const versions = await held(/\/core-network-policy-versions/)
	await open(`cn/${net.cn}`)
	await page.getByRole('heading', {name: 'Acme WAN', exact: true}).waitFor()
	assert.equal(await page.getByText('Policy in force').count(), 0)
	versions.go()
	await page.getByRole('link', {name: 'version 1', exact: true}).waitFor()
	const changes = await held(/\/core-network-change-sets\//)
	await open(`cn/${net.cn}/policy/1`)
	await page.getByText('Loading changes…', {exact: true}).waitFor()
	changes.go()
	await page.getByRole('region', {name: 'Changes', exact: true}).waitFor()
})

test('a finding that is open stays open when others come', async () => {
	const {begun, say} = await spoken()
	await open(`cn/${net.cn}/doctor`)
	await page.getByRole('button', {name: 'Open attachment-waits-for-acceptance'}).click()
	await page.getByRole('heading', {name: 'All 2 occurrences'}).waitFor()
	await begun()
	await page.route(/\/doctor$/, async (route) => {
		const response = await route.fetch()
		await route.fulfill({response, json: [{check: 'a-check', severity: 'warning', message: 'Another.', subjects: [], count: 1}, ...await response.json()]})
	})
	await say()
	await page.getByRole('button', {name: 'Open a-check'}).waitFor()
	assert.ok(await page.getByRole('heading', {name: 'All 2 occurrences'}).isVisible())
})

test('a form has what its address has', async () => {
	await open(`cn/${net.cn}/path?from=${net.ids['prod-0']}&to=10.11.0.1`)
	const to = page.getByLabel('To address')
	await page.getByRole('list', {name: 'Hops of the forward path'}).waitFor()
	await page.keyboard.press('Control+k')
	await page.keyboard.type('10.12.0.1')
	await page.getByRole('option', {name: 'Path to 10.12.0.1'}).click()
	await page.getByRole('heading', {name: 'Path', exact: true}).waitFor()
	assert.equal(await to.inputValue(), '10.12.0.1')
	await page.goBack()
	await page.getByRole('list', {name: 'Hops of the forward path'}).waitFor()
	assert.equal(await to.inputValue(), '10.11.0.1')
})

test('the palette takes the next key, and the first of what is found for it', async () => {
	await open('')
	await page.getByRole('link', {name: 'Acme WAN'}).waitFor()
	// In one task: no frame is painted between.
	const found = await page.evaluate(async () => {
		const drawn = async () => { for (let i = 0; i < 20; i++) await null }
		const key = (target, name, more) => target.dispatchEvent(new KeyboardEvent('keydown', {key: name, bubbles: true, cancelable: true, ...more}))
		key(document.body, 'k', {ctrlKey: true})
		await drawn()
		const input = document.activeElement
		key(input, 'ArrowDown')
		await drawn()
		input.value = 'topology'
		input.dispatchEvent(new InputEvent('input', {bubbles: true}))
		await drawn()
		return document.querySelector('[aria-selected=true]').innerText
	})
	assert.match(found, /^Topology/)
})

test('what is written in the editor stays, whatever version comes or fails to come, and is asked about again', async () => {
	const {begun, say} = await spoken()
	const plans = []
	page.on('request', (r) => { if (r.url().endsWith('/what-if')) plans.push(r.url()) })
	await open(`cn/${net.cn}/edit?version=1`)
	const code = page.locator('.cm-content')
	await code.click()
	await page.keyboard.press('Control+a')
	const text = net.policy.replace('"share-with": ["prod", "dev"]', '"share-with": ["prod"]')
	await answered(/\/policy\/lint/, refused(503))
	await page.keyboard.insertText(text)
	await page.locator('.failure').getByText('Not this time.').waitFor()
	await page.getByText(/^dev → shared: .*not reachable/).waitFor()
	await begun()
	const {CoreNetworkPolicy: {PolicyVersionId}} = await net.api('POST', `/core-networks/${net.cn}/core-network-policy`, {PolicyDocument: net.policy.replace('172.16.0.0/12', '172.17.0.0/16')})
	const state = (want) => until(`the version is ${want}`, async () => (await net.api('GET', `/core-networks/${net.cn}/core-network-policy?policyVersionId=${PolicyVersionId}`)).CoreNetworkPolicy.ChangeSetState === want)
	await state('READY_TO_EXECUTE')
	await net.api('POST', `/core-networks/${net.cn}/core-network-change-sets/${PolicyVersionId}/execute`)
	await state('EXECUTION_SUCCEEDED')
	const before = plans.length
	await say()
	await until('the plan is asked for again, beside the policy that is in force now', async () => plans.length > before)
	const gone = page.waitForResponse((r) => /\/core-network-policy\?/.test(r.url()) && r.status() === 400)
	await answered(/\/core-network-policy\?/, refused(400))
	await say()
	await (await gone).finished()
	assert.match(await code.innerText(), /"share-with": \["prod"\]/)
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await page.getByText(`The latest policy version is ${PolicyVersionId}, not ${PolicyVersionId - 1}.`).waitFor()
	// Of an older version that is edited, the latest one is known.
	await open(`cn/${net.cn}/edit?version=1`)
	await code.click()
	await page.keyboard.press('Control+a')
	await page.keyboard.insertText(text)
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await page.getByRole('heading', {name: `Policy version ${PolicyVersionId + 1}`, exact: true}).waitFor()
})

test('what is refused for a newer version is put all the same, after a look at what that changed', async () => {
	await spoken()
	await open(`cn/${net.cn}/edit`)
	const code = page.locator('.cm-content')
	await code.click()
	await page.keyboard.press('Control+a')
	await page.keyboard.insertText(net.policy.replace('172.16.0.0/12', '172.18.0.0/16'))
	const {CoreNetworkPolicy: {PolicyVersionId}} = await net.api('POST', `/core-networks/${net.cn}/core-network-policy`, {PolicyDocument: net.policy.replaceAll('"guest"', '"visitors"')})
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await page.getByRole('heading', {name: `Version ${PolicyVersionId} was put meanwhile`}).waitFor()
	await page.getByRole('region', {name: new RegExp(`^Differences of version ${PolicyVersionId}`)}).getByText('visitors').first().waitFor()
	assert.match(await code.innerText(), /172\.18\.0\.0/)
	await page.getByRole('button', {name: 'Put all the same'}).click()
	await page.getByRole('heading', {name: `Policy version ${PolicyVersionId + 1}`, exact: true}).waitFor()
})

test('completion waits for the JSON Schema', async () => {
	const {pause} = await timed()
	const schema = await held(/\/policy\/schema/)
	await open(`cn/${net.cn}/edit`)
	await page.locator('.cm-content').click()
	await page.keyboard.press('Control+a')
	await page.keyboard.insertText('{"version": "2025.11", ')
	await pause()
	await page.keyboard.press('Control+Space')
	await page.clock.runFor(500)
	await schema.waits()
	schema.go()
	await page.clock.resume()
	await page.locator('.cm-tooltip-autocomplete li', {hasText: 'routing-policies'}).waitFor()
})
