// AttachmentField takes the id of an attachment, and offers those that match what is typed.
import {useId, useMemo, useState} from 'preact/hooks'
import {useAttachments} from '../lib/data.js'
import {contains, nameOf, wordsOf} from '../lib/text.js'
import {Field} from './basics.jsx'

const most = 50

export function AttachmentField({cn, label, value, onInput, required}) {
	const [focused, setFocused] = useState(false)
	const list = useAttachments(focused ? cn : null)
	const id = useId()
	const offered = useMemo(() => {
		const words = wordsOf(value)
		const found = []
		for (const a of list.data ?? []) {
			if (found.length === most) break
			const about = [nameOf(a), a.SegmentName || a.NetworkFunctionGroupName, a.EdgeLocation || (a.EdgeLocations ?? []).join(' ')].filter(Boolean).join(' ')
			if (contains(`${a.AttachmentId} ${about}`.toLowerCase(), words)) found.push([a.AttachmentId, about])
		}
		return found
	}, [list.data, value])
	return <>
		<Field label={label} value={value} required={required} onInput={(v) => onInput(v.trim())} onFocus={() => setFocused(true)} list={id} wide />
		<datalist id={id}>{offered.map(([of, about]) => <option key={of} value={of}>{about}</option>)}</datalist>
	</>
}
