// Palette finds any view, network, attachment, device or other object by name, id, prefix or address.
import {useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks'
import {placesOf, useAttachments} from '../lib/data.js'
import {known} from '../lib/query.js'
import {address, go, here} from '../lib/router.jsx'
import {contains, nameOf, wordsOf} from '../lib/text.js'
import {useNetworks} from '../app.jsx'
import {coreNetworkViews} from '../views.jsx'

const most = 40
const isPrefix = /^[0-9a-f:.]+(\/\d{1,3})?$/i

export function Palette({close}) {
	const dialog = useRef()
	const [text, setText] = useState('')
	const [at, setAt] = useState(0)
	const networks = useNetworks()
	const {parts, params} = here()
	const core = parts[0] === 'cn' ? parts[1] : networks.data?.core[0]?.CoreNetworkId
	const attachments = useAttachments(core ?? null)
	const objects = useMemo(() => [...viewItems(core), ...networkItems(networks.data), ...cached()], [core, networks.data, attachments.data])
	const found = useMemo(() => {
		const words = wordsOf(text)
		const list = objects.filter((o) => contains(o.search, words)).slice(0, most)
		return [...questions(text.trim(), core, params), ...list]
	}, [text, objects, core])
	useLayoutEffect(() => { dialog.current.showModal() }, []) // what is typed next is typed into it
	const take = (item) => {
		close()
		go(item.href)
	}
	const key = (e) => {
		const step = {ArrowDown: 1, ArrowUp: -1}[e.key]
		if (step) setAt((at + step + found.length) % Math.max(found.length, 1))
		else if (e.key === 'Enter' && found[at]) take(found[at])
		else return
		e.preventDefault()
	}
	useEffect(() => { document.getElementById('found-' + at)?.scrollIntoView({block: 'nearest'}) }, [at])
	return <dialog ref={dialog} class="palette" onClose={close} aria-label="Find anything" onClick={(e) => e.target === dialog.current && dialog.current.close()}>
		<input autofocus role="combobox" aria-expanded="true" aria-controls="found" aria-activedescendant={found[at] ? 'found-' + at : undefined} aria-label="Name, id, prefix or address"
			placeholder="Name, id, prefix or address" value={text} onInput={(e) => { setText(e.currentTarget.value); setAt(0) }} onKeyDown={key} autocomplete="off" spellcheck={false} />
		<ul id="found" role="listbox" aria-label="Found">
			{found.map((o, i) => <li key={o.href + o.title} id={'found-' + i} role="option" aria-selected={i === at} onClick={() => take(o)} onMouseMove={() => setAt(i)}>
				<bdi>{o.title}</bdi> <small><bdi>{o.kind}</bdi></small></li>)}
		</ul>
		<p class="hint" role="status">{found.length ? `${found.length} found` : attachments.loading ? 'Loading…' : 'Nothing is found.'}</p>
	</dialog>
}

function questions(text, core, params) {
	if (!core || !text || !isPrefix.test(text) || !/[.:]/.test(text)) return []
	const list = [{title: `Routes that match ${text}`, kind: 'routes', href: address(['cn', core, 'routes'], {segment: params.segment, edge: params.edge, find: text})}]
	if (!text.includes('/')) list.push({title: `Path to ${text}`, kind: 'path', href: address(['cn', core, 'path'], {to: text})})
	return list
}

const item = (title, kind, href, ...more) => ({title, kind, href, search: [title, kind, ...more].join('\n').toLowerCase()})

function viewItems(core) {
	const list = [item('Networks', 'view', address([])), item('Events', 'view', address(['events']))]
	if (core) for (const [, views] of coreNetworkViews) for (const v of views) list.push(item(v.title, 'view', address(['cn', core, ...v.path])))
	return list
}

function networkItems(data) {
	return [
		...(data?.core ?? []).map((c) => item(c.Description || nameOf(c) || c.CoreNetworkId, `core network ${c.CoreNetworkId}`, address(['cn', c.CoreNetworkId]), nameOf(c))),
		...(data?.global ?? []).map((g) => item(g.Description || nameOf(g) || g.GlobalNetworkId, `global network ${g.GlobalNetworkId}`, address(['gn', g.GlobalNetworkId]), nameOf(g))),
	]
}

// cached are the objects of everything that views have asked for.
function cached() {
	const list = []
	for (const {key, data} of known()) {
		const [scope, id, what] = key.split(' ')
		const add = (rows, kind, href, idOf) => {
			for (const r of rows) list.push(item(nameOf(r) || r.Description || idOf(r), `${kind} ${idOf(r)}`, href(r), JSON.stringify(r.Tags ?? ''), r.ResourceArn ?? '', r.SegmentName ?? ''))
		}
		if (scope === 'cn' && what === 'attachments') add(data, 'attachment', (r) => address(['cn', id, 'attachments'], {open: r.AttachmentId}), (r) => r.AttachmentId)
		if (scope === 'cn' && what === 'peers') add(data, 'Connect peer', (r) => address(['cn', id, 'peers', r.ConnectPeerId]), (r) => r.ConnectPeerId)
		if (scope === 'cn' && what === 'graph') for (const s of placesOf(data)) list.push(item(s.name, 'segment or network function group', address(['cn', id, 'topology'], {row: s.name})))
		if (scope === 'gn' && what === 'sites') add(data, 'site', () => address(['gn', id, 'sites']), (r) => r.SiteId)
		if (scope === 'gn' && what === 'devices') add(data, 'device', () => address(['gn', id, 'devices']), (r) => r.DeviceId)
		if (scope === 'gn' && what === 'links') add(data, 'link', () => address(['gn', id, 'links']), (r) => r.LinkId)
	}
	return list
}
