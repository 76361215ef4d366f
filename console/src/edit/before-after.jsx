// BeforeAfter shows the logical view before and after a change, one over the other with a slider.
import {useMemo, useState} from 'preact/hooks'
import {difference} from '../draw/grid.js'
import {LogicalPicture} from '../draw/logical.jsx'

export function BeforeAfter({before, after}) {
	const [at, setAt] = useState(1)
	const marks = useMemo(() => difference(before, after), [before, after])
	const isAfter = at === 1
	return <section><h3>Before and after</h3>
		<label class="field"><span>{isAfter ? 'After' : 'Before'}</span>
			<input type="range" min={0} max={1} step={1} value={at} aria-valuetext={isAfter ? 'after' : 'before'} onInput={(e) => setAt(Number(e.currentTarget.value))} /></label>
		<LogicalPicture graph={isAfter ? after : before} name={isAfter ? 'after' : 'before'} title={isAfter ? 'Logical view after' : 'Logical view before'} marks={(key) => marks.row(key, isAfter)} />
	</section>
}
