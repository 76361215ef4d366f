// Measures the console on a network at AWS's quotas: npm run measure. Nothing of it runs in CI, where machines are of all speeds; what
// it prints is in docs/console.md.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {account, atQuota, browser, client, serve, settled} from './rig.mjs'

const rounds = 5
const middle = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]
const ms = (n) => `${n.toFixed(n < 10 ? 1 : 0)} ms`
const folder = mkdtempSync(join(tmpdir(), 'portolan-measure-'))
const server = await serve('--snapshot', atQuota(folder))
const chrome = await browser()
const cn = (await client(server.url, account)('GET', '/core-networks')).CoreNetworks[0].CoreNetworkId
const at = (path) => `${server.url}/console/${path}?account=${account}`
// cpu is the processor time of the server so far, in milliseconds.
const cpu = () => {
	const fields = readFileSync(`/proc/${server.process.pid}/stat`, 'utf8').split(') ')[1].split(' ')
	return (Number(fields[11]) + Number(fields[12])) * 10
}
const rest = (ms) => new Promise((done) => setTimeout(done, ms))
for (let quiet = 0, was = cpu(); quiet < 3; was = cpu()) { // until what the snapshot brings is done
	await rest(2000)
	quiet = cpu() - was < 50 ? quiet + 1 : 0
}
const say = (what, value) => console.log(`| ${what} | ${value} |`)

// repeat is the median of what f gives in rounds, each on a page of its own with an empty cache.
async function repeat(f) {
	const list = []
	for (let i = 0; i < rounds; i++) {
		const page = await chrome.pageOf()
		list.push(await f(page))
		await page.context().close()
	}
	return middle(list)
}

// first is the time from the beginning of a navigation until a selector is in the page, by the clock of the page, and the processor
// time of its main thread.
async function first(url, selector) {
	const cpu = []
	const wall = await repeat(async (page) => {
		const cdp = await page.context().newCDPSession(page)
		await cdp.send('Performance.enable', {timeDomain: 'threadTicks'})
		await page.goto(url)
		await page.waitForSelector(selector)
		const now = await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(performance.now()))))
		cpu.push((await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000)
		return now
	})
	return `${ms(wall)}, of it ${ms(middle(cpu))} of processor time in the page`
}
say('the floor: one icon of the same server, from the address to its picture', await first(server.url + '/console/icon.svg', 'svg'))
say('networks, from the address to its list', await first(at(''), 'main .panel li a'))
say('overview of the core network, to its counts', await first(at(`cn/${cn}`), '.cards li b'))
say('attachments, to the first rows', await first(at(`cn/${cn}/attachments`), '.scroll tbody td'))

// frames scrolls a table by 120 steps of some pixels, or to its end, and gives the work of the main thread in each frame, from a trace.
async function frames(page, region, pixels) {
	const cdp = await chrome.newBrowserCDPSession()
	const events = []
	cdp.on('Tracing.dataCollected', ({value}) => events.push(...value))
	const ended = new Promise((done) => cdp.once('Tracing.tracingComplete', done))
	await cdp.send('Tracing.start', {transferMode: 'ReportEvents', traceConfig: {includedCategories: ['devtools.timeline', 'blink.user_timing', 'toplevel']}})
	await page.getByRole('region', {name: region, exact: true}).evaluate(async (e, pixels) => {
		e.scrollTop = 0
		await new Promise(requestAnimationFrame)
		for (let i = 0; i < 120; i++) {
			performance.mark('frame')
			e.scrollTop += pixels || (e.scrollHeight - e.clientHeight) / 120
			await new Promise(requestAnimationFrame)
		}
		performance.mark('frame')
	}, pixels)
	await cdp.send('Tracing.end')
	await ended
	const marks = events.filter((x) => x.name === 'frame' && /user_timing/.test(x.cat)).sort((a, b) => a.ts - b.ts)
	const tasks = events.filter((x) => x.ph === 'X' && x.pid === marks[0].pid && x.tid === marks[0].tid && /RunTask/.test(x.name))
	const work = marks.slice(1).map(({ts}, i) => tasks.filter((t) => t.ts > marks[i].ts && t.ts <= ts).reduce((sum, t) => sum + (t.tdur ?? t.dur), 0) / 1000)
	return [...work].sort((a, b) => a - b)
}
for (const [path, region, rows] of [['attachments', 'Attachments', '5\u202f000'], ['routes', 'Route tables', '1\u202f200']]) {
	const page = await chrome.pageOf()
	await page.goto(at(`cn/${cn}/${path}`))
	await page.getByText(rows, {exact: true}).first().waitFor()
	await settled(page)
	for (const [how, pixels] of [['with the wheel, 120 pixels a frame', 120], ['to the end in 120 frames', 0]]) {
		const work = await frames(page, region, pixels)
		say(`${region.toLowerCase()}: work per frame while scrolling ${how}, median, 95 of 100`, `${ms(middle(work))}, ${ms(work[Math.floor(work.length * 0.95)])}`)
	}
	await page.context().close()
}

// The editor: from a keystroke to what is said of the text. A page of its own, so that its memory is known, too.
const page = await chrome.pageOf()
await page.goto(at(`cn/${cn}/edit`))
await page.locator('.cm-content').waitFor()
await settled(page)
// shown types a text and gives the time from its key until a panel is of that text and painted, by the clock of the page.
const shown = async (heading, text) => {
	await page.evaluate((heading) => {
		const panel = [...document.querySelectorAll('section.panel')].find((e) => e.querySelector('h2').textContent.startsWith(heading))
		let began = 0, waits = false
		addEventListener('beforeinput', (e) => { began = e.timeStamp }, {once: true, capture: true})
		window.shown = new Promise((done) => {
			const observer = new MutationObserver(() => {
				const was = waits
				waits = began > 0 && panel.querySelector('.earlier, .loading') !== null
				if (!was || waits) return
				observer.disconnect()
				requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
			})
			observer.observe(panel, {subtree: true, childList: true})
		})
	}, heading)
	await page.keyboard.insertText(text)
	return page.evaluate(() => window.shown)
}
await page.locator('.cm-content').click()
await page.keyboard.press('Control+Home')
const lint = [], plan = []
let length = 0 // of the text that is checked
page.on('request', (r) => { if (r.url().includes('/policy/lint')) length = r.postData().length })
for (let i = 0; i < rounds; i++) {
	const planned = page.waitForResponse((r) => r.url().includes('/what-if') && r.status() === 200) // the next key waits for it
	lint.push(await shown('Findings', ' '))
	await (await planned).finished()
	await settled(page)
	plan.push(await shown('What it would do', ' '))
	await settled(page)
}
say('keystroke to check and lint', ms(middle(lint)))
say('keystroke to the plan', ms(middle(plan)))
// Whoever types on, ten keys a second: from each text that is answered, how long its answer takes.
const begun = new Map(), took = {lint: [], plan: []}
page.on('response', async (r) => {
	const kind = r.url().endsWith('/what-if') ? 'plan' : r.url().includes('/policy/lint') ? 'lint' : ''
	const body = kind && r.request().postData(), began = kind && begun.get((kind === 'plan' ? JSON.parse(body).policy : body).length)
	if (!began) return
	await r.finished()
	took[kind].push(Date.now() - began)
})
let keys = 0
const from = length, before = cpu(), until = Date.now() + 10_000
for (; Date.now() < until; keys++) {
	await rest(100)
	begun.set(from + keys + 1, Date.now())
	await page.keyboard.insertText(' ')
}
const spent = cpu() - before
for (const kind of ['lint', 'plan']) say(`${kind}s while ${keys} keys are typed without a pause: number, median, most`, took[kind].length ? `${took[kind].length}, ${ms(middle(took[kind]))}, ${ms(Math.max(...took[kind]))}` : 'none')
say('processor time of the server meanwhile', `${ms(spent)} in 10 s`)
const memory = async () => {
	const cdp = await page.context().newCDPSession(page)
	await cdp.send('HeapProfiler.collectGarbage')
	return (await cdp.send('Runtime.getHeapUsage')).usedSize / 1e6
}
say('memory of the page: policy editor', `${(await memory()).toFixed(0)} MB`)
for (const path of ['topology', 'attachments', 'matrix', 'routes', 'doctor', 'logical']) {
	await page.locator(`nav a[href^="/console/cn/${cn}/${path}"]`).click()
	await page.locator('h1').waitFor()
	await settled(page)
}
say('memory of the page: after all views', `${(await memory()).toFixed(0)} MB`)
await chrome.close()
await server.end()
rmSync(folder, {recursive: true})
