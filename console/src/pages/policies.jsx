// Policies are the versions of the policy.
import {useMemo} from 'preact/hooks'
import {useVersions} from '../lib/data.js'
import {A, address, go} from '../lib/router.jsx'
import {time} from '../lib/text.js'
import {Loaded, Page, State} from '../ui/basics.jsx'
import {Table} from '../ui/table.jsx'

export function Policies({parts: [, cn]}) {
	const list = useVersions(cn)
	const columns = useMemo(() => [
		{name: 'version', title: 'Version', text: (v) => v.PolicyVersionId, cell: (v) => <A to={['cn', cn, 'policy', String(v.PolicyVersionId)]}>Version {v.PolicyVersionId}</A>},
		{name: 'alias', title: 'Alias', text: (v) => v.Alias},
		{name: 'state', title: 'Change set', text: (v) => v.ChangeSetState, cell: (v) => <State of={v.ChangeSetState} />},
		{name: 'description', title: 'Description', text: (v) => v.Description},
		{name: 'created', title: 'Created', text: (v) => time(v.CreatedAt)},
		{name: 'compare', title: 'Compare', text: () => '', cell: (v) => v.Alias !== 'LIVE' && <A to={['cn', cn, 'compare']} params={{from: 'LIVE', to: String(v.PolicyVersionId)}}>with LIVE</A>},
	], [cn])
	return <Page title="Policy versions" actions={<button type="button" onClick={() => go(address(['cn', cn, 'edit']))}>New version</button>}>
		<Loaded of={list} what="versions">{(rows) => <Table name="policy-versions" caption="Policy versions" columns={columns} rows={rows} keyOf={(v) => v.PolicyVersionId} empty="There is no policy yet." />}</Loaded>
	</Page>
}
