// With --credentials: a key that is pasted signs every call and is never stored; what it may not is greyed with the reason.
import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, test} from 'node:test'
import {stage} from './rig.mjs'

const key = (id, statements) => ({accessKeyId: id, secretAccessKey: 'secret/of+' + id, account: '111122223333', principalArn: 'arn:aws:iam::111122223333:user/' + id.toLowerCase(), policies: [{Version: '2012-10-17', Statement: statements}]})
const all = {Effect: 'Allow', Action: 'networkmanager:*', Resource: '*'}
const folder = mkdtempSync(join(tmpdir(), 'portolan-keys-'))
const file = join(folder, 'keys.json')
writeFileSync(file, JSON.stringify([key('AKIAEVERYTHING', [all]), key('AKIAREADER', [{Effect: 'Allow', Action: ['networkmanager:Get*', 'networkmanager:List*', 'networkmanager:Describe*'], Resource: '*'}])]), {mode: 0o600})
const on = stage({args: ['--credentials', file], bare: true})
after(() => rmSync(folder, {recursive: true}))

async function withKey(id, path) {
	const page = await on.at(path)
	const dialog = page.getByRole('dialog', {name: 'Access key'})
	await dialog.waitFor()
	await page.getByLabel('Access key ID').fill(id)
	await page.getByLabel('Secret access key').fill('secret/of+' + id)
	await page.getByRole('button', {name: 'Use the key'}).click()
	await dialog.waitFor({state: 'detached'})
	return page
}

test('a key signs every call, and is not stored', async () => {
	const page = await withKey('AKIAEVERYTHING', '')
	await page.getByText('There is no network in this account').waitFor()
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
	await page.getByText(/signature we calculated does not match/).first().waitFor()
	await page.context().close()
})

test('what a key may not do is greyed, with the reason', async () => {
	const page = await withKey('AKIAREADER', 'events')
	await page.getByText('Not permitted').waitFor()
	await page.getByText(/is not authorized to perform/).first().waitFor()
	await page.context().close()
})
