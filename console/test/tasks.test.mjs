// Tasks of a day, walked through in a real browser: by keyboard alone, with events arriving, with a server that dies and returns.
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {dial} from './router.mjs'
import {stage, until} from './rig.mjs'

const on = stage({args: ['--bgp', 'loopback']})
let net, page

on.each((fresh) => {
	net = on.net
	page = fresh
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

// selected is the state of a candidate that a table has taken.
const selected = '● selected'

// command goes to what the palette finds first.
async function command(text, found = text) {
	await page.keyboard.press('Control+k')
	await page.getByRole('combobox', {name: 'Name, id, prefix or address'}).waitFor()
	await page.keyboard.type(text)
	await page.getByRole('option', {name: found, selected: true}).waitFor()
	await page.keyboard.press('Enter')
}

test('by keyboard alone: from the start to why a route is there', async () => {
	await open('')
	await page.getByRole('link', {name: 'Acme WAN'}).waitFor()
	await command('routes', 'Routes view')
	await page.getByRole('heading', {name: 'Routes', exact: true}).waitFor()
	await page.getByRole('link', {name: 'prod@us-east-1'}).waitFor()
	await tabTo('prod@us-east-1')
	await page.keyboard.press('Enter')
	await page.getByRole('button', {name: 'Open 10.0.0.0/16'}).waitFor()
	await tabTo('Open 10.0.0.0/16')
	await page.keyboard.press('Enter')
	await page.getByText(selected, {exact: true}).waitFor()
	assert.match(page.url(), /why=10\.0\.0\.0%2F16/)
})

test('by keyboard alone: the palette finds an object by its name, a prefix and an address', async () => {
	await open(`cn/${net.cn}`)
	await page.getByRole('heading', {name: 'Acme WAN', exact: true}).waitFor()
	await command('dev-1', `dev-1 attachment ${net.ids['dev-1']}`)
	await page.getByRole('button', {name: `Close ${net.ids['dev-1']}`}).waitFor()
	await page.getByText('joins segment dev').waitFor()
	await command('10.11.0.0/16', 'Routes that match 10.11.0.0/16')
	await page.getByRole('heading', {name: 'Routes', exact: true}).waitFor()
	await page.getByRole('button', {name: 'Open 10.11.0.0/16'}).waitFor()
	const filter = page.getByRole('searchbox')
	assert.equal(await filter.inputValue(), '10.11.0.0/16')
	await command('10.12.0', 'Routes that match 10.12.0')
	await page.getByRole('button', {name: 'Open 10.12.0.0/16'}).waitFor()
	assert.equal(await filter.inputValue(), '10.12.0')
	await page.goBack()
	await page.getByRole('button', {name: 'Open 10.11.0.0/16'}).waitFor()
	const palette = page.getByRole('combobox', {name: 'Name, id, prefix or address'})
	await page.keyboard.press('Control+k')
	await palette.waitFor()
	await page.keyboard.press('Escape')
	await palette.waitFor({state: 'detached'})
})

test('by keyboard alone: what happens when an edge location fails', async () => {
	await open(`cn/${net.cn}/what-if`)
	await page.getByLabel('Edge location fails').focus()
	await page.getByRole('option', {name: 'us-east-1'}).waitFor({state: 'attached'})
	await page.keyboard.type('u') // a select forgets the letters of a name that is typed slowly
	await page.getByRole('list', {name: 'What fails'}).getByText('Edge location us-east-1 fails').waitFor()
	await page.locator('section', {has: page.getByRole('heading', {name: 'What happens'})}).getByText(/^\d+ routes? added, [1-9]\d* withdrawn/).waitFor()
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
	const accept = page.getByRole('button', {name: 'Accept', exact: true})
	await accept.click()
	await page.getByRole('row', {name: `${net.ids['guest-0']} guest-0 VPC AVAILABLE eu-west-1 guest 200`}).waitFor()
	assert.equal(await accept.count(), 0)
	assert.equal((await net.api('GET', `/vpc-attachments/${net.ids['guest-0']}`)).VpcAttachment.Attachment.State, 'AVAILABLE')
})

test('tags are changed after a look at what that does', async () => {
	const id = net.ids['dev-2']
	await open(`cn/${net.cn}/attachments?open=${id}`)
	await page.getByText('Change tags or the routing policy label').click()
	await page.getByLabel('Tags, one key=value a line').fill('Name=dev-2\nsegment=shared')
	const apply = page.getByRole('button', {name: 'Apply', exact: true})
	await page.getByText('Look at the plan first.', {exact: true}).waitFor()
	assert.ok(await apply.isDisabled(), 'nothing is applied before the plan')
	await page.getByRole('button', {name: 'Plan', exact: true}).click()
	await page.getByText(`dev-2 (${id}): segment shared (was: segment dev)`).waitFor()
	await apply.click()
	await page.getByText('joins segment shared').waitFor()
	await page.getByRole('row', {name: `${id} dev-2 VPC AVAILABLE ap-southeast-2 shared 200`}).waitFor()
	assert.equal((await net.api('GET', `/vpc-attachments/${id}`)).VpcAttachment.Attachment.SegmentName, 'shared')
})

test('a Connect peer is associated with a device and disassociated', async () => {
	await open(`cn/${net.cn}/peers/${net.peer}`)
	await page.getByLabel('Associate with device').selectOption(net.device)
	await page.getByRole('button', {name: 'Associate', exact: true}).click()
	await page.getByText('Associated', {exact: true}).waitFor()
	await page.getByRole('button', {name: 'Disassociate', exact: true}).click()
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
	await until('its routes are heard', async () => (await net.api('GET', `/_portolan/bgp/sessions/${net.peer}/heard`)).routes.length === 2)
	await open(`cn/${net.cn}/peers`)
	await page.getByText('1 of 2 up').waitFor()
	await page.getByRole('link', {name: net.peer}).click()
	await page.getByRole('heading', {name: 'branch', exact: true}).waitFor()
	const session = (s) => page.getByRole('listitem').filter({has: page.getByRole('heading', {name: s.coreNetworkAddress})})
	await session(first).getByText('● Established', {exact: true}).waitFor()
	await session(second).getByText(/Administrative Shutdown.*maintenance at the branch/).waitFor()
	const table = (name) => page.getByRole('region', {name, exact: true})
	await table('Routes heard from it').getByRole('row', {name: `${first.coreNetworkAddress} 192.168.8.0/22 ${first.peerAddress} 65001`}).waitFor()
	await table('Routes advertised to it').getByRole('row', {name: `${first.coreNetworkAddress} 10.100.0.0/16`}).getByRole('button').click()
	await page.getByText(/us-east-1 advertises it to/).first().waitFor()
	await table('Status changes, the latest first').getByRole('row', {name: `CONNECT_PEER_BGP_DOWN us-east-1 ${net.peer} ${second.coreNetworkAddress}`}).waitFor()
	const resets = []
	page.on('request', (r) => { if (r.url().endsWith('/reset')) resets.push(r.url()) })
	await page.getByRole('button', {name: `Reset ${first.coreNetworkAddress}`, exact: true}).click()
	const confirm = page.getByRole('button', {name: `Confirm: Reset ${first.coreNetworkAddress}`})
	await confirm.waitFor()
	assert.deepEqual(resets, [], 'nothing is reset before the confirmation')
	await confirm.click()
	await session(first).getByText(/Administrative Reset/).waitFor()
	await up.ended
	await open(`cn/${net.cn}/monitoring?status=DOWN`)
	await page.getByRole('region', {name: 'Connections', exact: true}).getByRole('row', {name: new RegExp(`^${net.peer} .*BGP ${first.coreNetworkAddress} DOWN`)}).waitFor()
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
	const picture = page.getByRole('region', {name: /^Forward path, picture/})
	await picture.waitFor()
	assert.equal(await picture.locator('rect').count(), hops.length)
	await forward.getByRole('link', {name: 'nfg:firewall@eu-west-1'}).click()
	await page.getByRole('heading', {name: 'Routes', exact: true}).waitFor()
	await page.getByRole('listitem').filter({hasText: new RegExp(`^${selected}`)}).getByText('Show as a diagram').click()
	await page.getByRole('region', {name: 'Way of 10.11.0.0/16 to nfg:firewall@eu-west-1'}).waitFor()
})

// valid is what the findings say of a policy that AWS would take.
const valid = /^. valid, (nothing to advise|\d+ to look at)$/

// executed waits for a version of the policy, executes it and waits until it is in force.
async function executed(version) {
	await page.getByRole('heading', {name: `Policy version ${version}`, exact: true}).waitFor()
	await page.getByRole('button', {name: 'Execute', exact: true}).click()
	await page.getByRole('button', {name: 'Confirm: Execute'}).click()
	await page.locator('.facts').getByText('● EXECUTION_SUCCEEDED', {exact: true}).waitFor()
}

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
	await page.getByText(/^✕ \d+ that AWS would refuse$/).waitFor()
	await page.getByText('The policy is not valid.', {exact: true}).waitFor()
	assert.ok(await page.getByRole('button', {name: 'Put as a new version'}).isDisabled())
	await write(net.policy.replace('"share-with": ["prod", "dev"]', '"share-with": ["prod"]'))
	await page.getByText(valid).waitFor()
	await page.getByText(/^dev → shared: .*not reachable/).waitFor()
	await page.getByRole('slider').waitFor()
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await executed(2)
	await page.getByRole('region', {name: 'Events of the execution', exact: true}).getByText('● COMPLETE', {exact: true}).first().waitFor()
	await open(`cn/${net.cn}/compare?from=1&to=2`)
	await page.getByRole('region', {name: 'Differences', exact: true}).getByRole('cell', {name: 'MODIFY'}).first().waitFor()
})

test('whoever types on without a pause sees findings and plans of what was typed meanwhile', async () => {
	const asked = [], checked = []
	let answered = () => {}
	await page.route(/\/what-if$/, async (route) => { // an answer is held until it is let go, and says which it is
		const go = new Promise((done) => { answered = done })
		const holding = asked.push(JSON.parse(route.request().postData()).policy)
		await go
		const response = await route.fetch()
		await route.fulfill({response, json: {...await response.json(), assertions: {holding, total: 4, failures: []}}})
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
		answered()
		await plan.getByText(`Assertions: ${round} of 4 hold`, {exact: true}).waitFor()
		await plan.getByText('of an earlier text').waitFor()
	}
	await until('the plan of the latest text is asked for', async () => asked.length === 4)
	answered()
	await plan.getByText('Assertions: 4 of 4 hold', {exact: true}).waitFor()
	assert.equal(await plan.getByText('of an earlier text').count(), 0)
	assert.deepEqual(asked.map((text) => text.length - asked[0].length), [0, 4, 8, 12], 'one plan for 4 keystrokes, each of the latest text')
	assert.deepEqual(cancelled, [])
	await page.unroute(/\/what-if$/)
	// And with answers that come as they come, by a hand that never rests. Chromium lets input go before answers that have come: a key
	// waits until the page has nothing else to do, as those of a hand do, or a slow machine would have nothing but keys.
	let plans = 0
	page.on('response', (r) => { if (r.url().endsWith('/what-if')) plans++ })
	for (let keys = 0; plans < 3; keys++) {
		assert.ok(keys < 20_000, `${plans} plans after ${keys} keystrokes`)
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
	await page.getByText(valid).waitFor()
	await page.getByRole('button', {name: 'Put as a new version'}).click()
	await executed(1)
	await open(`cn/${cn}/topology`)
	await page.getByRole('region', {name: /^Topology, picture/}).waitFor()
})

test('the topology is a tree, too', async () => {
	await open(`cn/${net.cn}/topology?view=tree&edge=us-east-1`)
	const tree = page.getByRole('list', {name: 'Topology as a tree'})
	await tree.getByText('segment prod: 2', {exact: true}).press('Enter')
	await tree.getByRole('link', {name: 'prod-0', exact: true}).press('Enter')
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
	await page.getByText('● live', {exact: true}).waitFor()
	const events = page.getByRole('region', {name: 'Events, the latest first', exact: true})
	await events.waitFor()
	const attach = async (hex) => (await net.api('POST', '/vpc-attachments', {CoreNetworkId: net.cn, VpcArn: `arn:aws:ec2:us-east-1:111122223333:vpc/vpc-${hex}`, SubnetArns: [`arn:aws:ec2:us-east-1:111122223333:subnet/subnet-${hex}`], Tags: [{Key: 'segment', Value: 'dev'}]})).VpcAttachment.Attachment.AttachmentId
	const one = await attach('0aaaaaaaaaaaaaaaa')
	await events.getByRole('row', {name: new RegExp(`VPC_ATTACHMENT_CREATED .*${one}`)}).waitFor()
	await page.getByLabel('Core network').selectOption(net.cn)
	await page.getByRole('navigation').getByRole('link', {name: 'Attachments', exact: true}).click()
	await page.getByRole('button', {name: `Open ${one}`}).waitFor()
	const other = await attach('0bbbbbbbbbbbbbbbb')
	await page.getByRole('row', {name: `Open ${other} ${other} VPC AVAILABLE us-east-1 dev 200`}).waitFor()
})

test('a server that dies is noticed, what is shown is marked old, and the stream resumes where it was', async () => {
	const stream = () => page.waitForResponse((r) => r.request().headers().accept === 'text/event-stream')
	const begun = stream()
	await open(`cn/${net.cn}/attachments`)
	const attachment = page.getByRole('button', {name: `Open ${net.ids['prod-0']}`})
	await attachment.waitFor()
	await begun
	await on.server.stop()
	const old = page.getByText('What is shown is old')
	await old.waitFor()
	const resumed = stream()
	assert.ok(await attachment.isVisible(), 'the last state stays')
	await page.getByRole('navigation').getByRole('link', {name: 'Connect peers', exact: true}).click()
	await page.getByText('No answer', {exact: true}).waitFor()
	await on.server.start()
	await page.getByRole('link', {name: net.peer}).waitFor()
	await old.waitFor({state: 'detached'})
	const reply = await resumed
	assert.equal(reply.status(), 200)
	assert.match(reply.request().headers()['last-event-id'], /./)
})
