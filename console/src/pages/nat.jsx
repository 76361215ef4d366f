// Nat is the 1:1 NAT of attachments.
import {useMemo, useState} from 'preact/hooks'
import {call} from '../lib/api.js'
import {invalidate, useQuery} from '../lib/query.js'
import {A, setParams} from '../lib/router.jsx'
import {Act, Id, Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

async function configurations(cn) {
	const all = []
	let NextToken
	do {
		const page = await call('ListAttachmentNatConfigurations', {}, {CoreNetworkId: cn, NextToken})
		all.push(...(page.AttachmentNatConfigurations ?? []))
		NextToken = page.NextToken
	} while (NextToken)
	return all
}

const ruleText = (r) => `${r.RuleNumber}: ${r.MatchSourceCidr} to ${r.NatCidr}`

export function Nat({parts: [, cn], params}) {
	const list = useQuery(`cn ${cn} nat`, () => configurations(cn))
	const columns = useMemo(() => [
		{name: 'id', title: 'Attachment', text: (n) => n.AttachmentId, cell: (n) => <A to={['cn', cn, 'attachments']} params={{open: n.AttachmentId}}><Id>{n.AttachmentId}</Id></A>},
		{name: 'state', title: 'NAT', text: (n) => n.NatGatewaySupport, cell: (n) => <State of={n.NatGatewaySupport === 'ENABLED' ? 'ACTIVE' : n.NatGatewaySupport}>{n.NatGatewaySupport}</State>},
		{name: 'system', title: 'System routes', text: (n) => n.NatSystemRouteSupport === undefined ? '' : n.NatSystemRouteSupport ? 'yes' : 'no'},
		{name: 'rules', title: 'Rules', text: (n) => (n.NatGatewayRules ?? []).map(ruleText).join('; ')},
	], [cn])
	return <Page title="NAT" sub="1:1 NAT of attachments: each rule translates one IPv4 block to another of its size.">
		<Loaded of={list} what="NAT configurations">{(rows) => <Table name="nat" caption="NAT configurations" columns={columns} rows={rows} keyOf={(n) => n.AttachmentId} openKey={params.open} onOpen={(open) => setParams({open})} empty="No attachment has a NAT configuration."
			detail={(n) => <Configuration key={n.AttachmentId} cn={cn} of={n} />} />}</Loaded>
	</Page>
}

function Configuration({cn, of: n}) {
	const [text, setText] = useState((n.NatGatewayRules ?? []).map((r) => `${r.RuleNumber} ${r.MatchSourceCidr} ${r.NatCidr}`).join('\n'))
	const rules = text.split('\n').filter((l) => l.trim()).map((l) => l.trim().split(/\s+/)).map(([number, MatchSourceCidr, NatCidr]) => ({RuleNumber: Number(number), MatchSourceCidr, NatCidr}))
	const update = (body) => call('UpdateAttachmentNatConfiguration', {attachmentId: n.AttachmentId}, body)
	const done = () => invalidate(`cn ${cn} `)
	const on = n.NatGatewaySupport === 'ENABLED'
	return <>
		<ul>{(n.NatGatewayRules ?? []).map((r) => <li key={r.RuleNumber}>Rule {r.RuleNumber}: <code>{r.MatchSourceCidr}</code> to <code>{r.NatCidr}</code> <State of={r.State} /></li>)}</ul>
		<label class="field"><span>Rules: number, source block, translated block</span><textarea rows={4} value={text} onInput={(e) => setText(e.currentTarget.value)} spellcheck={false} /></label>
		<div class="actions">
			<Act operation="UpdateAttachmentNatConfiguration" run={() => update({NatGatewayRules: rules})} done={done}>Set the rules</Act>
			<Act operation="UpdateAttachmentNatConfiguration" class="quiet" confirm={on ? 'Traffic is no longer translated.' : undefined} run={() => update({NatGatewaySupport: on ? 'DISABLE' : 'ENABLE'})} done={done}>{on ? 'Switch off' : 'Switch on'}</Act>
		</div>
	</>
}
