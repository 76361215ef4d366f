// Table shows rows of any number: only those in sight are in the page, so that work per frame does not grow with them.
import {useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks'
import {contains, csv, number, wordsOf} from '../lib/text.js'
import {Facts} from './basics.jsx'
import {useSideways} from './room.js'
import {save} from './save.js'

const high = 34 // of a row, in pixels
const over = 8 // rows drawn above and below what is in sight
const few = 30 // rows that are all in the page, as high as their cells

// columns are {name, title, text(row), cell(row), wide, sort(a, b)}: text is what is searched, sorted and saved, cell what is
// shown. detail(row) is shown under the row that is open; more tells that rows are
// still to come. Cells of few rows wrap; of many rows one that is too long is whole under its row.
export function Table({name, caption, columns, rows, keyOf, detail, openKey, onOpen, initial = '', onFilter, empty = 'None.', tall = 520, more = ''}) {
	const [filter, setFilter] = useState(initial)
	useLayoutEffect(() => setFilter(initial), [initial]) // another address
	const [order, setOrder] = useState(null) // {column, down}
	const shown = useMemo(() => {
		const words = wordsOf(filter)
		let list = rows
		if (words.length) list = rows.filter((r) => contains(columns.map((c) => c.text(r) ?? '').join('\n').toLowerCase(), words))
		if (order) {
			const c = columns.find((x) => x.name === order.column)
			const by = c.sort ?? ((a, b) => compare(c.text(a), c.text(b)))
			list = [...list].sort((a, b) => order.down ? by(b, a) : by(a, b))
		}
		return list
	}, [rows, filter, order, columns])
	const sortBy = (c) => setOrder((o) => o?.column !== c.name ? {column: c.name} : o.down ? null : {column: c.name, down: true})
	const wraps = shown.length <= few
	const [own, setOwn] = useState('')
	if (!detail && !wraps) [detail, openKey, onOpen] = [whole(columns), own, setOwn]
	const download = () => save(`${name}.csv`, 'text/csv', csv([columns.map((c) => c.title), ...shown.map((r) => columns.map((c) => c.text(r)))]))
	return <div class="tablebox">
		<div class="tools">
			<label class="field grow"><span class="hidden">Filter {caption}</span>
				<input type="search" placeholder="Filter" value={filter} onInput={(e) => { setFilter(e.currentTarget.value); onFilter?.(e.currentTarget.value) }} /></label>
			<span class="count" role="status">{shown.length === rows.length ? number(rows.length) : `${number(shown.length)} of ${number(rows.length)}`}{more && <> {more}</>}</span>
			<button type="button" class="quiet" onClick={download} disabled={!shown.length}>CSV</button>
		</div>
		{shown.length === 0 ? <p class="empty">{rows.length ? 'Nothing matches the filter.' : empty}</p> :
			<Body {...{caption, columns, keyOf, detail, openKey, onOpen, order, sortBy, tall, wraps}} rows={shown} />}
	</div>
}

const whole = (columns) => (row) => <Facts of={columns.map((c) => [c.title, c.text(row)])} />

function compare(a, b) {
	const [x, y] = [a ?? '', b ?? '']
	const n = Number(x) - Number(y)
	if (x !== '' && y !== '' && !Number.isNaN(n)) return n
	return String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0
}

function Body({caption, columns, rows, keyOf, detail, openKey, onOpen, order, sortBy, tall, wraps}) {
	const box = useRef()
	const opens = useRef()
	opens.current = onOpen
	const drawn = useDrawn()
	const [top, setTop] = useState(0)
	const [extra, setExtra] = useState(0) // height of what is under the open row
	const under = useRef()
	const openAt = useMemo(() => detail && openKey ? rows.findIndex((r) => keyOf(r) === openKey) : -1, [rows, openKey, detail])
	const pending = useRef(0)
	const scrolled = () => {
		if (pending.current) return
		pending.current = requestAnimationFrame(() => {
			pending.current = 0
			if (box.current) setTop(box.current.scrollTop)
		})
	}
	useEffect(() => () => cancelAnimationFrame(pending.current), [])
	useSideways(box)
	useLayoutEffect(() => {
		const measure = () => setExtra(under.current?.offsetHeight ?? 0)
		measure()
		if (!under.current) return
		const observer = new ResizeObserver(measure)
		observer.observe(under.current)
		return () => observer.disconnect()
	}, [openAt])
	useEffect(() => {
		if (wraps && openAt >= 0) under.current?.previousSibling.scrollIntoView({block: 'nearest'})
		else if (openAt > 0 && box.current && (openAt * high < box.current.scrollTop || openAt * high > box.current.scrollTop + tall - 4 * high)) box.current.scrollTop = openAt * high - high
	}, [openKey])
	// Where the rows in sight begin, taking what is open into account.
	const before = openAt >= 0 && top > (openAt + 1) * high ? Math.min(extra, top - (openAt + 1) * high) : 0
	const first = wraps ? 0 : Math.max(0, Math.floor((top - before) / high) - over)
	const last = wraps ? rows.length : Math.min(rows.length, Math.ceil((top - before + tall) / high) + over)
	const hiddenExtra = openAt >= 0 && openAt < first ? extra : 0
	const restExtra = openAt >= last ? extra : 0
	return <div class={wraps ? 'scroll wraps' : 'scroll'} ref={box} onScroll={scrolled} tabIndex={0} role="region" aria-label={caption}>
		<table aria-rowcount={rows.length + 1}>
			<caption class="hidden">{caption}</caption>
			<thead><tr>{columns.map((c) => {
				const dir = order?.column === c.name ? (order.down ? 'descending' : 'ascending') : undefined
				return <th key={c.name} scope="col" aria-sort={dir} class={c.wide ? 'wide' : undefined}>
					<button type="button" onClick={() => sortBy(c)}>{c.title}<span aria-hidden="true">{dir ? (order.down ? ' ↓' : ' ↑') : ''}</span></button>
				</th>
			})}</tr></thead>
			<tbody>
				{first > 0 && <Gap high={first * high + hiddenExtra} />}
				{rows.slice(first, last).flatMap((r, i) => { // one list: in lists of their own rows would have no keys, and all be made anew
					const key = keyOf(r)
					const open = first + i === openAt
					return [
						drawn(key, [r, first + i, open, columns, Boolean(detail)], () => <tr key={key} aria-rowindex={first + i + 2} class={open ? 'open' : undefined}>
							{columns.map((c, at) => <td key={c.name} title={c.text(r) || undefined}>
								{at === 0 && detail && <button type="button" class="opener" aria-expanded={open} aria-label={`${open ? 'Close' : 'Open'} ${c.text(r)}`}
									onClick={() => opens.current(open ? '' : key)}>{open ? '▾' : '▸'}</button>}
								<bdi>{c.cell ? c.cell(r) : c.text(r)}</bdi></td>)}
						</tr>),
						open && <tr key={key + ' detail'} class="detail" ref={under}><td colSpan={columns.length}><div class="under">{detail(r)}</div></td></tr>,
					]
				})}
				{last < rows.length && <Gap high={(rows.length - last) * high + restExtra} />}
			</tbody>
		</table>
	</div>
}

// useDrawn gives a function that draws a part of a list, or gives what it drew in the render before where all that the part is made of
// is the same: Preact does not look at such a part again.
function useDrawn() {
	const before = useRef(new Map())
	const now = new Map()
	useLayoutEffect(() => { before.current = now })
	return (key, of, draw) => {
		const old = before.current.get(key)
		const part = old?.of.every((x, i) => x === of[i]) ? old : {of, node: draw()}
		now.set(key, part)
		return part.node
	}
}

function Gap({high: px}) {
	const row = useRef()
	useLayoutEffect(() => { row.current.style.height = px + 'px' }, [px])
	return <tr aria-hidden="true" class="gap" ref={row} />
}
