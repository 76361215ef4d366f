// Pictures of stable regions, beside those that are kept. GOLDEN=write keeps what is drawn now.
import assert from 'node:assert/strict'
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {test} from 'node:test'
import pixelmatch from 'pixelmatch'
import {PNG} from 'pngjs'
import {here, settled, stage} from './rig.mjs'

// tolerance is the part of the pixels that may differ, and threshold by how much a pixel may differ in colour before it counts:
// edges of letters are drawn a little otherwise by each release of Chromium.
const tolerance = 0.01, threshold = 0.2

const on = stage()

const regions = {
	'logical': ['logical', '.canvas svg'], 'matrix': ['matrix', 'table.matrix'], 'map': ['map', '.canvas svg:has(.site)'], 'logical-dark': ['logical', '.canvas svg', {colorScheme: 'dark'}],
}

// sameIds takes ids out of the page, which are others in each run.
function sameIds() {
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (texts.nextNode()) {
		const text = texts.currentNode
		const same = text.nodeValue.replace(/attachment-[0-9a-f]{17}/g, 'attachment')
		if (same !== text.nodeValue) text.nodeValue = same
	}
}

for (const [name, [view, region, options]] of Object.entries(regions)) {
	test(`${name} is drawn as it was`, async () => {
		const page = await on.chrome.pageOf({viewport: {width: 1440, height: 1000}, ...options})
		await page.route('**/console/test-font.woff2', (route) => route.fulfill({body: readFileSync(join(here, 'fonts/noto-sans.woff2')), contentType: 'font/woff2'}))
		await page.route('**/console/style.css', async (route) => {
			const reply = await route.fetch()
			const css = await reply.text() + '@font-face{font-family:Golden;src:url(/console/test-font.woff2)}:root{--sans:Golden!important}'
			await route.fulfill({body: css, contentType: 'text/css'})
		})
		await page.goto(`${on.server.url}/console/cn/${on.net.cn}/${view}`)
		await page.locator(region).first().waitFor()
		await settled(page)
		await page.evaluate(() => document.fonts.load('12px Golden'))
		await page.evaluate(() => document.fonts.ready)
		await page.evaluate(sameIds)
		const shot = await page.locator(region).first().screenshot()
		const file = join(here, 'golden', name + '.png')
		if (process.env.GOLDEN === 'write' || !existsSync(file)) {
			assert.equal(process.env.GOLDEN, 'write', `${file} does not exist`)
			writeFileSync(file, shot)
		}
		const [want, got] = [PNG.sync.read(readFileSync(file)), PNG.sync.read(shot)]
		assert.deepEqual([got.width, got.height], [want.width, want.height])
		const different = pixelmatch(want.data, got.data, null, want.width, want.height, {threshold})
		if (different > tolerance * want.width * want.height) {
			mkdirSync(join(here, '../.out'), {recursive: true})
			writeFileSync(join(here, '../.out', name + '.png'), shot)
		}
		assert.ok(different <= tolerance * want.width * want.height, `${different} of ${want.width * want.height} pixels differ: console/.out/${name}.png`)
		await page.context().close()
	})
}
