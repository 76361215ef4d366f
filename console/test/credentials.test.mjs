// With --credentials: a key that is pasted signs every call and is never stored; what it may not is greyed with the reason.
import assert from 'node:assert/strict'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, test} from 'node:test'
import {account, here, settled, stage} from './rig.mjs'

const key = (id, statements) => ({accessKeyId: id, secretAccessKey: 'secret/of+' + id, account, principalArn: `arn:aws:iam::${account}:user/${id.toLowerCase()}`, policies: [{Version: '2012-10-17', Statement: statements}]})
const all = {Effect: 'Allow', Action: 'networkmanager:*', Resource: '*'}
const folder = mkdtempSync(join(tmpdir(), 'portolan-keys-'))
const file = join(folder, 'keys.json')
writeFileSync(file, JSON.stringify([key('AKIAEVERYTHING', [all]), key('AKIAREADER', [{Effect: 'Allow', Action: ['networkmanager:Get*', 'networkmanager:List*', 'networkmanager:Describe*'], Resource: '*'}])]), {mode: 0o600})
const network = join(folder, 'network.json')
writeFileSync(network, JSON.stringify({
	version: 1, account, policy: JSON.parse(readFileSync(join(here, 'policy.json'))),
	attachments: [{id: 'attachment-0aaaaaaaaaaaaaaaa', type: 'vpc', edges: ['us-east-1'], tags: {segment: 'prod'}, announcements: [{prefix: '10.0.0.0/16'}]}],
}))
const on = stage({args: ['--credentials', file, '--snapshot', network], bare: true})
after(() => rmSync(folder, {recursive: true}))

// coreNetwork is the link to the core network, not that of the number of core networks.
const coreNetwork = (page) => page.locator('main .list').getByRole('link')

async function use(page, id) {
	const dialog = page.getByRole('dialog', {name: 'Access key'})
	await dialog.waitFor()
	await page.getByLabel('Access key ID').fill(id)
	await page.getByLabel('Secret access key').fill('secret/of+' + id)
	await page.getByRole('button', {name: 'Use the key'}).click()
	await dialog.waitFor({state: 'detached'})
}

async function withKey(id, path) {
	const page = await on.at(path)
	await use(page, id)
	return page
}

test('a key signs every call, and is not stored', async () => {
	const page = await withKey('AKIAEVERYTHING', '')
	await coreNetwork(page).waitFor()
	await page.getByRole('button', {name: 'arn:aws:iam::111122223333:user/akiaeverything'}).waitFor()
	const stored = await page.evaluate(() => JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie)
	assert.ok(!stored.includes('AKIAEVERYTHING') && !stored.includes('secret/of'), stored)
	await page.reload()
	await page.getByRole('dialog', {name: 'Access key'}).waitFor()
	await page.context().close()
})

test('a wrong secret is refused in the words of the server', async () => {
	const page = await on.at('')
	await page.getByLabel('Access key ID').fill('AKIAREADER')
	await page.getByLabel('Secret access key').fill('wrong')
	await page.getByRole('button', {name: 'Use the key'}).click()
	await page.getByRole('dialog', {name: 'Access key'}).getByText(/signature we calculated does not match/).waitFor()
	await page.context().close()
})

test('a refusal of what was asked without the key, which comes late, asks for no other key', async () => {
	const page = await on.chrome.pageOf()
	let go
	const late = new Promise((done) => { go = done })
	await page.route(/\/global-networks\?/, async (route) => {
		if (!route.request().headers().authorization) await late
		await route.continue()
	})
	await page.goto(on.server.url + '/console/')
	await use(page, 'AKIAEVERYTHING')
	await coreNetwork(page).waitFor()
	const answer = page.waitForResponse((r) => r.status() === 403)
	go()
	await (await answer).finished()
	await page.evaluate(() => new Promise(requestAnimationFrame))
	assert.equal(await page.getByRole('dialog').count(), 0)
	await page.context().close()
})

test('whoever keeps the key that is in use still has it', async () => {
	const page = await withKey('AKIAEVERYTHING', '')
	const account = page.getByRole('button', {name: 'arn:aws:iam::111122223333:user/akiaeverything'})
	await account.click()
	await page.getByRole('dialog', {name: 'Access key'}).getByRole('button', {name: 'Cancel'}).click()
	await page.getByRole('dialog', {name: 'Access key'}).waitFor({state: 'detached'})
	assert.ok(await account.isVisible())
	await page.context().close()
})

test('whoever gives no key is not asked again for one, and can give one', async () => {
	const page = await on.chrome.pageOf()
	await page.clock.install()
	await page.goto(on.server.url + '/console/')
	const dialog = page.getByRole('dialog', {name: 'Access key'})
	await dialog.getByRole('button', {name: 'Cancel'}).click()
	await dialog.waitFor({state: 'detached'})
	const refused = (path) => page.waitForResponse((r) => r.status() === 403 && new URL(r.url()).pathname === path)
	for (const [path, act] of [
		['/global-networks', () => page.clock.runFor(31_000)],
		['/_portolan/events', () => page.evaluate(() => { document.dispatchEvent(new Event('visibilitychange')) })],
	]) {
		const answer = refused(path)
		await act()
		await (await answer).finished()
		await page.evaluate(async () => { await (await fetch('/_portolan/health')).text() })
		assert.equal(await dialog.count(), 0)
	}
	await page.getByRole('button', {name: 'Access key'}).click()
	await use(page, 'AKIAEVERYTHING')
	await coreNetwork(page).waitFor()
	await page.context().close()
})

// attachment opens the attachment, and what changes its tags.
async function attachment(id) {
	const page = await withKey(id, '')
	await coreNetwork(page).click()
	await page.getByRole('navigation').getByRole('link', {name: 'Attachments'}).click()
	await page.getByRole('button', {name: /^Open attachment-/}).click()
	await page.getByText('Change tags or the routing policy label').click()
	await page.getByLabel('Tags, one key=value a line').fill('segment=dev')
	return page
}

test('what a key may not do is greyed, with the reason', async () => {
	const page = await attachment('AKIAREADER')
	const apply = page.getByRole('button', {name: 'Apply'}), plan = page.getByRole('button', {name: 'Plan', exact: true})
	await page.getByText(/user\/akiareader is not authorized to perform: networkmanager:TagResource/).waitFor()
	assert.ok(await apply.isDisabled() && await plan.isDisabled())
	assert.match(await plan.getAttribute('title'), /^This takes a key that may do everything/)
	const link = page.getByRole('navigation').getByRole('link', {name: 'Topology'})
	assert.match(await link.getAttribute('title'), /^This takes a key that may do everything/)
	const asked = []
	page.on('request', (r) => asked.push(new URL(r.url()).pathname))
	await link.click()
	await page.locator('main').getByText(/^This takes a key that may do everything/).waitFor()
	assert.deepEqual(asked.filter((p) => p.startsWith('/_portolan/core-networks')), [])
	await page.getByRole('navigation').getByRole('link', {name: 'Policy versions'}).click()
	await page.getByRole('link', {name: 'Version 1', exact: true}).click()
	await page.getByRole('heading', {name: 'Policy version 1', exact: true}).waitFor()
	await settled(page)
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})

test('what a key may do is not greyed', async () => {
	const page = await attachment('AKIAEVERYTHING')
	await page.getByRole('button', {name: 'Plan', exact: true}).click()
	await page.getByText(/segment dev \(was: segment prod\)/).waitFor()
	assert.ok(await page.getByRole('button', {name: 'Apply'}).isEnabled())
	await page.getByRole('navigation').getByRole('link', {name: 'Topology'}).click()
	await page.getByRole('region', {name: /^Topology, picture/}).waitFor()
	assert.equal(await page.locator('nav .greyed').count(), 0)
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})
