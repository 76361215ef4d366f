// The console on a network at AWS's quotas: 5,000 attachments, 1,200 route tables, 10,000 announced routes. What is counted are bytes and
// elements: times are measured by measure.mjs.
import assert from 'node:assert/strict'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, test} from 'node:test'
import {account, atQuota, settled, stage, until} from './rig.mjs'

const folder = mkdtempSync(join(tmpdir(), 'portolan-quota-'))
// Events of routes are written when the server gets to them, and have a page ask again: none come here.
const on = stage({args: ['--snapshot', atQuota(folder), '--routing-events=false'], bare: true})
after(() => rmSync(folder, {recursive: true}))

const view = (path, params = '') => on.at(`cn/${on.cn}${path}?account=${account}${params}`)
const elements = (page) => page.locator('*').count()

test('the first view takes at most 200 KB', async () => {
	const page = await on.chrome.pageOf()
	const cdp = await page.context().newCDPSession(page)
	await cdp.send('Network.enable')
	let bytes = 0
	const awaited = new Set() // requests, but for the stream of events
	cdp.on('Network.requestWillBeSent', (e) => { if (e.request.headers.accept !== 'text/event-stream') awaited.add(e.requestId) })
	cdp.on('Network.loadingFailed', (e) => awaited.delete(e.requestId))
	cdp.on('Network.loadingFinished', (e) => {
		awaited.delete(e.requestId)
		bytes += e.encodedDataLength
	})
	await page.goto(`${on.server.url}/console/?account=${account}`)
	await page.locator('main').getByRole('link', {name: on.cn}).click()
	await page.getByRole('heading', {name: 'Health checks', exact: true}).waitFor()
	await settled(page, 600_000) // health checks of all of it
	await page.getByRole('listitem').filter({hasText: /^5\u202f000\s*attachments$/}).waitFor()
	await until('all answers have come', async () => awaited.size === 0)
	assert.ok(bytes <= 200_000, `${bytes} bytes`)
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})

// scrolls tells that a table of many rows has only those in sight in the page, at both ends and filtered.
async function scrolls(page, name, count, last, find) {
	const table = page.getByRole('region', {name, exact: true})
	await page.getByRole('status').filter({hasText: new RegExp(`^${count}$`)}).waitFor()
	const few = async (where) => {
		const rows = await table.locator('tbody tr').count()
		assert.ok(rows < 60, `${rows} rows of ${name} are in the page ${where}`)
	}
	await few('at the top')
	await table.evaluate((e) => { e.scrollTop = e.scrollHeight })
	await table.getByText(last).first().waitFor()
	await few('at the end')
	await page.getByRole('searchbox').first().fill(find)
	await table.getByRole('row', {name: find}).first().waitFor()
	await few('when they are filtered')
}

test('5,000 attachments scroll', async () => {
	const page = await view('/attachments')
	await scrolls(page, 'Attachments', '5\u202f000', 'attachment-00000000000001388', 'attachment-000000000000004d2')
	await page.context().close()
})

test('1,200 route tables scroll, and one of 10,000 routes', async () => {
	const page = await view('/routes')
	await scrolls(page, 'Route tables', '1\u202f200', 'nfg:fw@us-north-2', 's17@eu-west-1')
	await page.getByRole('link', {name: 's17@eu-west-1'}).click()
	await page.getByRole('region', {name: 'Routes of s17 at eu-west-1'}).waitFor()
	await page.getByLabel('Segment or group').selectOption('s0')
	const table = page.getByRole('region', {name: 'Routes of s0 at eu-west-1', exact: true})
	await table.waitFor()
	await page.getByRole('status').filter({hasText: /^\d+\u202f\d{3}$/}).waitFor()
	const rows = await table.locator('tbody tr').count()
	assert.ok(rows < 60, `${rows} rows`)
	await page.getByLabel('Shown').selectOption('true')
	await page.getByText(/^The table has .* open one for all that is offered/).waitFor()
	await table.getByRole('button', {name: /^Open 10\./}).first().click()
	await table.getByText(/^● selected/).first().waitFor()
	await page.context().close()
})

test('the topology, the logical view and the matrix stay small and in use', async () => {
	const page = await view('/topology')
	await page.getByText('5 attached').first().waitFor()
	await settled(page)
	assert.ok(await elements(page) < 6000, `${await elements(page)} elements`)
	await page.getByRole('button', {name: 'Zoom out'}).click()
	await page.getByText('80 %').waitFor()
	await page.getByLabel('Segment or group').selectOption('s1')
	await page.locator('svg a text', {hasText: /…\w{10} (vpc|vpn|tgw)/}).first().waitFor()
	await page.getByRole('navigation').getByRole('link', {name: 'Logical view'}).click()
	await page.getByRole('region', {name: /^Logical view/}).waitFor()
	assert.ok(await elements(page) < 2000, `${await elements(page)} elements`)
	await page.getByRole('navigation').getByRole('link', {name: 'Reachability'}).click()
	await page.getByRole('button', {name: /^s1 to s2: .*inspected by fw/}).click()
	await page.getByText(/addresses delivered/).waitFor()
	assert.ok(await elements(page) < 6000, `${await elements(page)} elements`)
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})
