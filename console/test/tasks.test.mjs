// Tasks of a day, walked through in a real browser: by keyboard alone, with events arriving, with a server that dies and returns.
import assert from 'node:assert/strict'
import {afterEach, beforeEach, test} from 'node:test'
import {dial} from './router.mjs'
import {stage, until} from './rig.mjs'

const on = stage({args: ['--bgp', 'loopback']})
let net, page

beforeEach(async () => {
	net = on.net
	page = await on.chrome.pageOf()
})
afterEach(async () => {
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})

const open = (path) => page.goto(`${on.server.url}/console/${path}`)

// tabTo presses Tab until an element of the name has the focus.
async function tabTo(name, most = 80) {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press('Tab')
		const now = await page.evaluate(() => {
			const e = document.activeElement
			return (e.getAttribute('aria-label') ?? (e.labels?.[0]?.textContent || e.textContent)).trim()
		})
		if (now.startsWith(name)) return
	}
	throw new Error(`${name} cannot be reached by Tab`)
}

// command goes to what the palette finds first.
async function command(text, found = text) {
	await page.keyboard.press('Control+k')
	await page.getByRole('combobox', {name: 'Name, id, prefix or address'}).waitFor()
	await page.keyboard.type(text)
	await page.getByRole('option', {name: found}).first().waitFor()
	await page.keyboard.press('Enter')
}

test('by keyboard alone: from the start to why a route is there', async () => {
	await open('')
	await page.getByRole('link', {name: 'Acme WAN'}).waitFor()
	await command('routes', 'Routes view')
	await page.getByRole('heading', {name: 'Routes'}).waitFor()
	await page.getByRole('link', {name: 'prod@us-east-1'}).waitFor()
	await tabTo('prod@us-east-1')
	await page.keyboard.press('Enter')
	await page.getByRole('button', {name: 'Open 10.0.0.0/16'}).waitFor()
	await tabTo('Open 10.0.0.0/16')
	await page.keyboard.press('Enter')
	await page.getByText('selected', {exact: false}).first().waitFor()
	assert.match(page.url(), /why=10\.0\.0\.0%2F16/)
})

test('by keyboard alone: the palette finds an object by its name, a prefix and an address', async () => {
	await open(`cn/${net.cn}`)
	await page.getByText('segments').first().waitFor()
	await command('dev-1')
	await page.getByText('joins segment dev').waitFor()
	await command('10.11.0.0/16', 'Routes that match 10.11.0.0/16')
	await page.getByRole('heading', {name: 'Routes'}).waitFor()
	await command('10.11.0.1', 'Routes that match 10.11.0.1')
	await page.keyboard.press('Control+k')
	await page.keyboard.press('Escape')
	await page.getByRole('combobox', {name: 'Name, id, prefix or address'}).waitFor({state: 'detached'})
})

test('by keyboard alone: what happens when an edge location fails', async () => {
	await open(`cn/${net.cn}/what-if`)
	await page.getByLabel('Edge location fails').focus()
	await page.getByRole('option', {name: 'us-east-1'}).waitFor({state: 'attached'})
	await page.keyboard.type('u') // a select forgets the letters of a name that is typed slowly
	await page.getByText(/\d routes? added, \d+ withdrawn/).waitFor()
})

test('findings of one cause are one row, with every occurrence and a link to its place', async () => {
	await open(`cn/${net.cn}/doctor?check=attachment-waits-for-acceptance`)
	await page.getByRole('button', {name: 'Open attachment-waits-for-acceptance'}).click()
	await page.getByRole('heading', {name: 'All 2 occurrences'}).waitFor()
	const each = page.getByRole('region', {name: 'Occurrences of attachment-waits-for-acceptance'})
	assert.deepEqual((await each.getByRole('link').allInnerTexts()).sort(), ['guest-0', 'guest-1'])
	await each.getByRole('link', {name: 'guest-1'}).click()
	await page.getByRole('button', {name: `Close ${net.ids['guest-1']}`}).waitFor()
})

test('an attachment is accepted, and shown as accepted once the API says so', async () => {
	await open(`cn/${net.cn}/attachments?open=${net.ids['guest-0']}`)
	await page.getByRole('button', {name: 'Accept'}).click()
	await page.getByRole('button', {name: 'Accept'}).waitFor({state: 'detached'})
	await until('the attachment is available', async () => (await net.api('GET', `/vpc-attachments/${net.ids['guest-0']}`)).VpcAttachment.Attachment.State === 'AVAILABLE')
	await page.getByRole('row', {name: new RegExp(`${net.ids['guest-0']}.*AVAILABLE.*guest`)}).waitFor()
})

test('tags are changed after a look at what that does', async () => {
	const id = net.ids['dev-2']
	await open(`cn/${net.cn}/attachments?open=${id}`)
	await page.getByText('Change tags or the routing policy label').click()
	await page.getByLabel('Tags, one key=value a line').fill('Name=dev-2\nsegment=shared')
	assert.ok(await page.getByRole('button', {name: 'Apply'}).isDisabled(), 'nothing is applied before the plan')
	await page.getByRole('button', {name: 'Plan', exact: true}).click()
	await page.getByText(`dev-2 (${id}): segment shared (was: segment dev)`).waitFor()
	await page.getByRole('button', {name: 'Apply'}).click()
	await page.getByText('joins segment shared').waitFor()
	await until('the attachment has moved', async () => (await net.api('GET', `/vpc-attachments/${id}`)).VpcAttachment.Attachment.SegmentName === 'shared')
})

test('a Connect peer is associated with a device and disassociated', async () => {
	await open(`cn/${net.cn}/peers/${net.peer}`)
	await page.getByLabel('Associate with device').selectOption(net.device)
	await page.getByRole('button', {name: 'Associate', exact: true}).click()
	await page.getByText('Associated', {exact: true}).waitFor()
	await page.getByRole('button', {name: 'Disassociate'}).click()
	await page.getByRole('button', {name: 'Confirm: Disassociate'}).click()
	await page.getByLabel('Associate with device').waitFor()
	const {ConnectPeerAssociations} = await net.api('GET', `/global-networks/${net.gn}/connect-peer-associations`)
	assert.deepEqual((ConnectPeerAssociations ?? []).filter((a) => a.State === 'AVAILABLE'), [])
})

test('a Connect peer shows its sessions, what is heard and advertised on them, and is reset after a confirmation', async () => {
	await net.api('PUT', `/_portolan/announcements/${net.peer}`, [])
	const {token} = (await net.api('GET', '/_portolan/events?last=1')).events.at(-1)
	const [first, second] = await until('the sessions wait for the router', async () => {
		const {sessions} = await net.api('GET', `/_portolan/bgp/sessions?core-network=${net.cn}`)
		return sessions.length === 2 && sessions.every((s) => s.local) && sessions
	})
	const up = await dial(first, ['192.168.7.0/24', '192.168.8.0/22'])
	const soon = await dial(second, ['192.168.7.0/24'])
	const event = (type) => until(`the event ${type}`, async () => (await net.api('GET', `/_portolan/events?after=${token}&limit=1000`)).events.some(({event: {detail}}) => detail.changeType === type && detail.coreNetworkAddress === second.coreNetworkAddress))
	await event('CONNECT_PEER_BGP_UP')
	await soon.end('maintenance at the branch')
	await event('CONNECT_PEER_BGP_DOWN')
	await open(`cn/${net.cn}/peers`)
	await page.getByText('1 of 2 up').waitFor()
	await page.getByRole('link', {name: net.peer}).click()
	await page.getByRole('heading', {name: 'branch'}).waitFor()
	const session = (s) => page.getByRole('listitem').filter({has: page.getByRole('heading', {name: s.coreNetworkAddress})})
	await session(first).getByText('Established').waitFor()
	await session(second).getByText(/Administrative Shutdown.*maintenance at the branch/).waitFor()
	const table = (name) => page.getByRole('region', {name})
	await table('Routes heard from it').getByRole('row', {name: `${first.coreNetworkAddress} 192.168.8.0/22 ${first.peerAddress} 65001`}).waitFor()
	await table('Routes advertised to it').getByRole('button', {name: `Open ${first.coreNetworkAddress}`}).nth(1).click()
	await page.getByText(/us-east-1 advertises it to/).first().waitFor()
	await table('Status changes').getByRole('row', {name: /CONNECT_PEER_BGP_DOWN/}).first().waitFor()
	await page.getByRole('button', {name: `Reset ${first.coreNetworkAddress}`}).click()
	assert.equal(await Promise.race([up.ended, 'it is up']), 'it is up', 'nothing is reset before the confirmation')
	await page.getByRole('button', {name: `Confirm: Reset ${first.coreNetworkAddress}`}).click()
	await up.ended
	await session(first).getByText(/Administrative Reset/).waitFor()
	await open(`cn/${net.cn}/monitoring?status=DOWN`)
	await page.getByRole('row', {name: new RegExp(`${net.peer}.*BGP.*${first.coreNetworkAddress}.*DOWN`)}).first().waitFor()
})

test('a path is drawn hop by hop, each a link to why it is so', async () => {
	await open(`cn/${net.cn}/path?from=${net.ids['prod-0']}&to=10.11.0.1`)
	const forward = page.getByRole('list', {name: 'Hops of the forward path'})
	await forward.waitFor()
	const hops = (await forward.getByRole('listitem').allInnerTexts()).map((t) => t.replace(/\s+/g, ' '))
	assert.deepEqual(hops.map((t) => t.replace(/ →.*/, '')), [
		'us-east-1: prod-0 sent from 10.0.0.1', 'us-east-1: prod@us-east-1 10.11.0.0/16', 'us-east-1: firewall inspected by firewall-0', 'us-east-1: nfg:firewall@us-east-1 10.11.0.0/16',
		'eu-west-1: firewall inspected by firewall-1', 'eu-west-1: nfg:firewall@eu-west-1 10.11.0.0/16', 'eu-west-1: dev-1 delivered: 10.11.0.1',
	])
	assert.equal(await page.getByRole('region', {name: /Forward path/}).locator('rect').count(), hops.length)
	await forward.getByRole('link', {name: 'nfg:firewall@eu-west-1'}).click()
	await page.getByRole('heading', {name: 'Routes'}).waitFor()
	await page.getByText('selected', {exact: false}).first().waitFor()
	await page.getByText('Show as a diagram').first().click()
	await page.getByRole('region', {name: 'Way of 10.11.0.0/16 to nfg:firewall@eu-west-1'}).waitFor()
})

test('a policy is written with findings and a plan beside it, put, and executed with its events', async () => {
	await open(`cn/${net.cn}/edit`)
	const code = page.locator('.cm-content')
	await code.waitFor()
	const write = async (text) => {
		await code.click()
		await page.keyboard.press('Control+a')
		await page.keyboard.insertText(text)
	}
	await write(net.policy.replace('"segment": "shared", "share-with": ["prod", "dev"]', '"segment": "shared", "share-with": ["prod", "nowhere"]'))
	await page.getByText(/that AWS would refuse/).waitFor()
	assert.ok(await page.getByRole('button', {name: 'Put as a new version'}).isDisabled())
	await write(net.policy.replace('"share-with": ["prod", "dev"]', '"share-with": ["prod"]'))
	await page.getByText(/valid, (nothing|\d)/).waitFor()
	await page.getByText(/dev → shared: .*not reachable/).waitFor()
	await page.getByRole('slider').waitFor()
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await page.getByRole('heading', {name: 'Policy version 2'}).waitFor()
	await page.getByRole('button', {name: 'Execute'}).click()
	await page.getByRole('button', {name: 'Confirm: Execute'}).click()
	await page.locator('.facts').getByText('EXECUTION_SUCCEEDED').waitFor()
	await page.getByRole('region', {name: 'Events of the execution'}).getByText('COMPLETE').first().waitFor()
	await open(`cn/${net.cn}/compare?from=1&to=2`)
	await page.getByRole('cell', {name: 'MODIFY'}).first().waitFor()
})

test('whoever types on without a pause sees findings and plans of what was typed meanwhile', async () => {
	const asked = [], checked = []
	let answered = () => {}
	await page.route(/\/what-if$/, async (route) => { // an answer is held until it is let go
		const go = new Promise((done) => { answered = done })
		asked.push(JSON.parse(route.request().postData()).policy)
		await go
		await route.continue()
	})
	page.on('response', (r) => { if (/\/policy\/lint/.test(r.url())) checked.push(r.request().postData()) })
	const cancelled = []
	page.on('requestfailed', (r) => cancelled.push(r.url()))
	await open(`cn/${net.cn}/edit`)
	const code = page.locator('.cm-content'), plan = page.locator('section', {has: page.getByRole('heading', {name: /^What it would do/})})
	await code.click()
	await page.keyboard.press('Control+End')
	const type = async (keys) => { for (let i = 0; i < keys; i++) await page.keyboard.type(' ') }
	const findings = page.locator('h2', {hasText: /^Findings$/}) // without the mark of those of an earlier text
	await type(1)
	for (let round = 1; round <= 3; round++) {
		await until(`plan ${round} is asked for`, async () => asked.length === round)
		await type(4)
		await until('the latest text is checked', async () => checked.at(-1).length === asked[0].length + 4 * round)
		await findings.waitFor()
		const answer = page.waitForResponse(/\/what-if$/)
		answered()
		assert.equal((await answer).status(), 200)
		await plan.getByText('Nothing changes.').waitFor()
		await plan.getByText('of an earlier text').waitFor()
	}
	await until('the plan of the latest text is asked for', async () => asked.length === 4)
	answered()
	await plan.getByText('of an earlier text').waitFor({state: 'detached'})
	assert.deepEqual(asked.map((text) => text.length - asked[0].length), [0, 4, 8, 12], 'one plan for 4 keystrokes, each of the latest text')
	assert.deepEqual(cancelled, [])
	await page.unroute(/\/what-if$/)
	// And with answers that come as they come, by a hand that never rests. Chromium lets input go before answers that have come: a key
	// waits until the page has nothing else to do, as those of a hand do, or a slow machine would have nothing but keys.
	let plans = 0
	page.on('response', (r) => { if (r.url().endsWith('/what-if')) plans++ })
	for (let keys = 0; plans < 3; keys++) {
		assert.ok(keys < 2000, `${plans} plans after ${keys} keystrokes`)
		await page.keyboard.type(' ')
		await page.evaluate(() => new Promise((idle) => requestIdleCallback(idle)))
	}
})

test('completion offers what the JSON Schema of the policy has at each place, and names that the document defines', async () => {
	await open(`cn/${net.cn}/edit`)
	const code = page.locator('.cm-content')
	await code.waitFor()
	// offered writes a text with the cursor at | and gives what is offered there.
	const offered = async (text) => {
		await code.click()
		await page.keyboard.press('Control+a')
		await page.keyboard.insertText(text.replace('|', ''))
		for (let i = text.length - 1; i > text.indexOf('|'); i--) await page.keyboard.press('ArrowLeft')
		await page.keyboard.press('Control+Space')
		const list = page.locator('.cm-tooltip-autocomplete li')
		await list.first().waitFor()
		const options = await list.allInnerTexts()
		await page.keyboard.press('Escape')
		await list.first().waitFor({state: 'detached'})
		return options.sort()
	}
	const document = (rest) => `{"version": "2025.11", "segments": [{"name": "prod"}, {"name": "dev"}], ${rest}}`
	assert.deepEqual(await offered(document('"segment-actions": [{"action": "send-via", |}]')), ['description', 'mode', 'segment', 'via', 'when-sent-to'])
	assert.deepEqual(await offered(document('"segment-actions": [{"action": "send-via", "mode": "|"}]')), ['dual-hop', 'single-hop'])
	assert.deepEqual(await offered(document('"segment-actions": [{"action": "share", "share-with": [|]}]')), ['dev', 'prod'])
	assert.deepEqual(await offered(document('"attachment-policies": [{"conditions": [{"type": "attachment-type", "operator": |}]}]')), ['begins-with', 'contains', 'equals', 'not-equals'])
	assert.ok((await offered(document('"r|"'))).includes('routing-policies'))
	await page.keyboard.type('ou')
	await page.locator('.cm-tooltip-autocomplete li', {hasText: 'routing-policies'}).first().click()
	await until('the member is completed', async () => (await code.innerText()).includes('], "routing-policies": }'))
	assert.deepEqual((await offered('{"version": "2021.12", "|"}')).filter((o) => o.includes('routing')), [])
})

test('the first policy of a core network is written, put and executed', async () => {
	const {GlobalNetwork: {GlobalNetworkId}} = await net.api('POST', '/global-networks', {Description: 'new'})
	const {CoreNetwork: {CoreNetworkId: cn}} = await net.api('POST', '/core-networks', {GlobalNetworkId, Description: 'Without a policy'})
	await until('the core network is there', async () => (await net.api('GET', `/core-networks/${cn}`)).CoreNetwork.State === 'AVAILABLE')
	for (const view of ['', '/topology', '/routes', '/matrix', '/compare']) {
		await open(`cn/${cn}${view}`)
		await page.getByText('No policy of this core network is in force.').waitFor()
	}
	await page.getByRole('link', {name: 'Write one'}).click()
	await page.getByText(/valid, (nothing|\d)/).waitFor()
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await page.getByRole('heading', {name: 'Policy version 1'}).waitFor()
	await page.getByRole('button', {name: 'Execute'}).click()
	await page.getByRole('button', {name: 'Confirm: Execute'}).click()
	await page.locator('.facts').getByText('EXECUTION_SUCCEEDED').waitFor()
	await open(`cn/${cn}/topology`)
	await page.getByRole('region', {name: /^Topology, picture/}).waitFor()
})

test('the topology is a tree, too', async () => {
	await open(`cn/${net.cn}/topology?view=tree&edge=us-east-1`)
	const tree = page.getByRole('list', {name: 'Topology as a tree'})
	await tree.getByText('segment prod: 2').press('Enter')
	await tree.getByRole('link', {name: 'prod-0'}).press('Enter')
	await page.getByRole('button', {name: `Close ${net.ids['prod-0']}`}).waitFor()
})

test('the form and the text are one document, both ways, with one-click fixes', async () => {
	await open(`cn/${net.cn}/edit?view=visual`)
	const code = page.locator('.cm-content')
	await code.waitFor()
	await page.getByLabel('New segment').fill('lab')
	await page.getByRole('button', {name: 'Add', exact: true}).click()
	await page.getByLabel('Name of segment 5').waitFor()
	await until('the text has the segment', async () => (await code.innerText()).includes('"lab"'))
	await page.locator('.finding', {hasText: 'lab'}).getByRole('button', {name: 'Remove segments[4]'}).first().click()
	await until('the form no longer has the segment', async () => await page.getByLabel('Name of segment 5').count() === 0)
})

test('an event that arrives is shown, and what it is about is asked again', async () => {
	await open('events')
	await page.getByText('live').waitFor()
	const before = await page.locator('.tablebox .count').innerText()
	const {VpcAttachment: {Attachment: {AttachmentId}}} = await net.api('POST', '/vpc-attachments', {CoreNetworkId: net.cn, VpcArn: 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-0aaaaaaaaaaaaaaaa', SubnetArns: ['arn:aws:ec2:us-east-1:111122223333:subnet/subnet-0aaaaaaaaaaaaaaaa'], Tags: [{Key: 'segment', Value: 'dev'}]})
	await page.getByText('VPC_ATTACHMENT_CREATED').first().waitFor()
	await page.getByRole('row', {name: new RegExp(AttachmentId)}).first().waitFor()
	assert.notEqual(await page.locator('.tablebox .count').innerText(), before)
})

test('a server that dies is noticed, what is shown is marked old, and the stream resumes where it was', async () => {
	await open(`cn/${net.cn}/attachments`)
	await page.getByText(net.ids['prod-0']).first().waitFor()
	const resumed = page.waitForRequest((r) => r.url().includes('/_portolan/events') && Boolean(r.headers()['last-event-id']))
	await on.server.stop()
	await page.getByText('What is shown is old').waitFor()
	assert.ok(await page.getByText(net.ids['prod-0']).first().isVisible(), 'the last state stays')
	await page.getByRole('navigation').getByRole('link', {name: 'Connect peers'}).click()
	await page.getByText('No answer').waitFor()
	await on.server.start()
	await page.getByRole('link', {name: net.peer}).waitFor()
	await page.getByText('What is shown is old').waitFor({state: 'detached'})
	await resumed
	page.complaints.length = 0 // a browser reports connections that are refused
})
