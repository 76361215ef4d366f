// Every view in a real browser on a real server: nothing is wrong on the browser's console, axe finds nothing, light and dark, wide
// and narrow; addresses can be reloaded, gone back to and forward.
import assert from 'node:assert/strict'
import {describe, test} from 'node:test'
import {findings, hostile, settled, stage, wcag} from './rig.mjs'

const on = stage()

const views = ({net} = on) => ({
	'networks': ['', 'Networks'], 'events': ['events', 'Events'],
	'overview': [`cn/${net.cn}`, 'Acme WAN'], 'topology': [`cn/${net.cn}/topology`, 'Topology'], 'tree': [`cn/${net.cn}/topology?view=tree`, 'Topology'], 'logical view': [`cn/${net.cn}/logical`, 'Logical view'], 'map': [`cn/${net.cn}/map`, 'Map'],
	'attachments': [`cn/${net.cn}/attachments?open=${net.ids['dev-0']}`, 'Attachments'], 'Connect peers': [`cn/${net.cn}/peers`, 'Connect peers'], 'a Connect peer': [`cn/${net.cn}/peers/${net.peer}`, 'branch'], 'monitoring': [`cn/${net.cn}/monitoring`, 'Monitoring'], 'peerings': [`cn/${net.cn}/peerings`, 'Peerings'], 'NAT': [`cn/${net.cn}/nat`, 'NAT'],
	'routes': [`cn/${net.cn}/routes?segment=dev&edge=us-east-1&why=10.10.0.0%2F16`, 'Routes'], 'RIB': [`cn/${net.cn}/routes?segment=dev&edge=us-east-1&rib=true`, 'Routes'],
	'path': [`cn/${net.cn}/path?from=${net.ids['prod-0']}&to=10.11.0.1`, 'Path'], 'reachability': [`cn/${net.cn}/matrix?from=prod&to=dev`, 'Reachability'], 'health checks': [`cn/${net.cn}/doctor`, 'Health checks'],
	'what if': [`cn/${net.cn}/what-if?edge=us-east-1`, 'What if'], 'assertions': [`cn/${net.cn}/assertions`, 'Assertions'],
	'policy versions': [`cn/${net.cn}/policy`, 'Policy versions'], 'policy version': [`cn/${net.cn}/policy/1`, 'Policy version 1'], 'compare': [`cn/${net.cn}/compare`, 'Compare policies'], 'policy editor': [`cn/${net.cn}/edit?view=visual`, 'Policy editor'],
	...Object.fromEntries(['sites', 'devices', 'links', 'connections', 'link-associations', 'connect-peer-associations', 'customer-gateways', 'transit-gateways', 'analyzer'].map((k) => [k, [`gn/${net.gn}/${k}`, null]])),
	'an open device': [`gn/${net.gn}/devices?open=${net.device}`, 'Devices'], 'no view': ['nothing/here', 'No such view'],
})

const looks = {
	'light, 1280 pixels': {rules: wcag},
	'dark, 390 pixels': {rules: ['color-contrast', 'target-size', 'scrollable-region-focusable'], colorScheme: 'dark', viewport: {width: 390, height: 800}}, // what differs
}
for (const [look, {rules, ...options}] of Object.entries(looks)) {
	describe(`every view, ${look}`, () => {
		test('is shown, without errors and findings of axe', async (t) => {
			const page = await on.chrome.pageOf(options)
			for (const [name, [path, title]] of Object.entries(views())) {
				await t.test(name, async () => {
					await page.goto(`${on.server.url}/console/${path}`)
					await settled(page)
					if (title) assert.equal(await page.locator('h1').innerText(), title)
					assert.deepEqual(await page.locator('.failure').allInnerTexts(), [])
					assert.deepEqual(await findings(page, rules), [])
					assert.deepEqual(page.complaints.splice(0), [])
					const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
					assert.ok(over <= 0, `the page is ${over} pixels too wide`)
				})
			}
			await page.context().close()
		})
	})
}

test('/ answers a browser with the console, and clients of the API as before', async () => {
	const page = await on.chrome.pageOf()
	await page.goto(on.server.url + '/')
	await page.getByRole('link', {name: 'Acme WAN'}).waitFor()
	await page.getByRole('list', {name: 'Resources'}).getByRole('link', {name: 'attachment', exact: true}).click()
	await page.getByRole('heading', {name: 'Attachments', exact: true}).waitFor()
	const reply = await fetch(on.server.url + '/', {headers: {accept: 'application/json'}})
	assert.equal(reply.headers.get('content-security-policy'), null)
	assert.match(reply.headers.get('content-type'), /json/)
	await page.context().close()
})

test('a view is an address: reload, back and forward', async () => {
	const page = await on.at(`cn/${on.net.cn}/attachments`)
	await page.getByLabel('Segment or group').selectOption('dev')
	await page.getByRole('button', {name: `Open ${on.net.ids['dev-1']}`}).click()
	await page.getByText('joins segment dev').waitFor()
	const address = page.url()
	assert.match(address, /segment=dev/)
	await page.reload()
	await page.getByText('joins segment dev').waitFor()
	assert.equal(await page.getByLabel('Segment or group').inputValue(), 'dev')
	await page.getByRole('navigation').getByRole('link', {name: 'Reachability', exact: true}).click()
	const reachability = page.getByRole('heading', {name: 'Reachability', exact: true})
	await reachability.waitFor()
	await page.goBack()
	await page.getByText('joins segment dev').waitFor()
	assert.equal(page.url(), address)
	await page.goForward()
	await reachability.waitFor()
	await page.context().close()
})

test('a view whose code is loaded when it is shown first is shown again', async () => {
	const page = await on.at(`cn/${on.net.cn}/edit`)
	const editor = page.locator('.cm-content')
	await editor.waitFor()
	const view = (name) => page.getByRole('navigation').getByRole('link', {name, exact: true})
	await view('Policy versions').click()
	await editor.waitFor({state: 'detached'})
	await view('Policy editor').click()
	await editor.waitFor()
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})

test('hostile names are shown as they are, everywhere', async () => {
	const {net} = on
	const below = `/global-networks/${net.gn}`
	for (const name of hostile) {
		const {Device} = await net.api('POST', below + '/devices', {SiteId: net.site, Description: name, Vendor: name.slice(0, 100), Model: name.slice(0, 100)})
		await net.api('POST', below + '/links', {SiteId: net.site, Description: name, Provider: name.slice(0, 100), Bandwidth: {UploadSpeed: 1, DownloadSpeed: 1}})
		await net.api('POST', below + '/connections', {DeviceId: net.device, ConnectedDeviceId: Device.DeviceId, Description: name})
		await net.api('POST', `/core-networks/${net.cn}/core-network-policy`, {PolicyDocument: net.policy, Description: name})
	}
	const few = hostile.slice(0, 4) // an account has five global networks
	for (const name of few) await net.api('POST', '/global-networks', {Description: name})
	const page = await on.chrome.pageOf()
	const shows = async (path, names = hostile) => {
		await page.goto(`${on.server.url}/console/${path}`)
		await settled(page)
		const text = await page.locator('main').innerText()
		for (const name of names) assert.ok(text.includes(name), `${name} is not shown at ${path}`)
		const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
		assert.ok(over <= 0, `${path} is ${over} pixels too wide`)
	}
	for (const list of ['sites', 'devices', 'links', 'connections']) await shows(`gn/${net.gn}/${list}`)
	await shows('', few)
	await shows(`cn/${net.cn}/policy`)
	for (const path of [`cn/${net.cn}/map`, `cn/${net.cn}/topology?view=tree`, 'events']) {
		await page.goto(`${on.server.url}/console/${path}`)
		await settled(page)
	}
	await page.keyboard.press('Control+k')
	await page.getByRole('combobox', {name: 'Name, id, prefix or address'}).waitFor()
	await page.keyboard.type('<img')
	await page.getByRole('option', {name: hostile[0]}).first().waitFor()
	await page.goto(`${on.server.url}/console/gn/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E/sites`)
	await page.locator('.failure').first().waitFor()
	assert.equal(await page.locator('main img, main script').count(), 0)
	assert.notEqual(await page.title(), 'run')
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})
