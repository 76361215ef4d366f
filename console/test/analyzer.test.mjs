// Route Analyzer, on two transit gateways that are peered: a VPC on the first, a VPN on the second, which knows no way back.
import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, test} from 'node:test'
import {client, findings, settled, stage, until} from './rig.mjs'

const arn = (region, kind, id) => `arn:aws:ec2:${region}:000000000000:${kind}/${id}`
const first = (kind, id) => arn('eu-west-1', kind, id), second = (kind, id) => arn('us-east-1', kind, id)
const attachment = 'transit-gateway-attachment', table = 'transit-gateway-route-table'
const folder = mkdtempSync(join(tmpdir(), 'portolan-catalog-'))
const file = join(folder, 'catalog.json')
writeFileSync(file, JSON.stringify({
	transitGateways: [{
		arn: first('transit-gateway', 'tgw-1'), tags: {Name: 'hub'},
		attachments: [
			{arn: first(attachment, 'tgw-attach-a'), tags: {Name: '<img src=x> 🦊'}, resourceType: 'vpc', resourceArn: first('vpc', 'vpc-a'), routeTableArn: first(table, 'tgw-rtb-1')},
			{arn: first(attachment, 'tgw-attach-p'), resourceType: 'peering', peerArn: second(attachment, 'tgw-attach-p'), routeTableArn: first(table, 'tgw-rtb-1')},
		],
		routeTables: [{arn: first(table, 'tgw-rtb-1'), routes: [{prefix: '172.31.0.0/16', attachmentIds: ['tgw-attach-p'], type: 'static'}]}],
	}, {
		arn: second('transit-gateway', 'tgw-2'),
		attachments: [
			{arn: second(attachment, 'tgw-attach-p'), resourceType: 'peering', peerArn: first(attachment, 'tgw-attach-p'), routeTableArn: second(table, 'tgw-rtb-2')},
			{arn: second(attachment, 'tgw-attach-v'), tags: {Name: 'branch'}, resourceType: 'vpn', resourceArn: second('vpn-connection', 'vpn-1'), routeTableArn: second(table, 'tgw-rtb-2')},
		],
		routeTables: [{arn: second(table, 'tgw-rtb-2'), routes: [{prefix: '172.31.0.0/16', attachmentIds: ['tgw-attach-v']}]}],
	}],
}))
const on = stage({args: ['--catalog', file], bare: true})
after(() => rmSync(folder, {recursive: true}))

test('a packet is followed between transit gateways, with the reason where it ends, and the answer has an address', async () => {
	const api = client(on.server.url)
	const {GlobalNetwork: {GlobalNetworkId: gn}} = await api('POST', '/global-networks', {Description: 'gateways'})
	for (const TransitGatewayArn of [first('transit-gateway', 'tgw-1'), second('transit-gateway', 'tgw-2')]) await api('POST', `/global-networks/${gn}/transit-gateway-registrations`, {TransitGatewayArn})
	await until('the transit gateways are registered', async () => (await api('GET', `/global-networks/${gn}/transit-gateway-registrations`)).TransitGatewayRegistrations.filter((r) => r.State.Code === 'AVAILABLE').length === 2)
	const page = await on.at(`gn/${gn}/sites`)
	await page.getByRole('link', {name: 'Route Analyzer'}).click()
	const run = page.getByRole('button', {name: 'Run the analysis'})
	await page.getByLabel('Source attachment').selectOption(first(attachment, 'tgw-attach-a'))
	await page.getByLabel('Destination attachment').selectOption(second(attachment, 'tgw-attach-v'))
	await page.getByLabel('Destination address').fill('172.31.0.8')
	await page.getByText('The return path takes a source address.', {exact: true}).waitFor()
	assert.ok(await run.isDisabled())
	await page.getByLabel('Source address').fill('10.0.0.7')
	await run.focus()
	await page.keyboard.press('Enter')
	const hops = async (name) => {
		const list = page.getByRole('list', {name: `Hops of the ${name} path`})
		await list.waitFor()
		return (await list.getByRole('listitem').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '))
	}
	const forward = [
		'tgw-1 eu-west-1: <img src=x> 🦊 attachment, tgw-attach-a', 'tgw-1 eu-west-1: hub transit-gateway, tgw-1', 'tgw-1 eu-west-1: tgw-rtb-1 route-table, 172.31.0.0/16', 'tgw-1 eu-west-1: tgw-attach-p attachment, 172.31.0.0/16',
		'tgw-2 us-east-1: tgw-2 transit-gateway', 'tgw-2 us-east-1: tgw-rtb-2 route-table, 172.31.0.0/16', 'tgw-2 us-east-1: branch attachment, tgw-attach-v, 172.31.0.0/16', 'tgw-2 us-east-1: vpn-1 vpn-connection',
	]
	assert.deepEqual(await hops('forward'), forward)
	assert.equal((await hops('return')).at(-1), 'tgw-2 us-east-1: not connected ROUTE_NOT_FOUND')
	await page.getByText('The route table has no route to the destination.').waitFor()
	await page.reload()
	assert.deepEqual(await hops('forward'), forward)
	assert.equal(await page.getByLabel('Source address').inputValue(), '10.0.0.7')
	await settled(page)
	assert.deepEqual(await findings(page), [])
	assert.deepEqual(page.complaints, [])
	await page.context().close()
})
