// Picture is a drawing with what every drawing has: zoom, and files of it. The table beside it is the page's. A small one is as wide
// as its place and has none of these.
import {useRef, useState} from 'preact/hooks'
import {useRoom, useSideways} from './room.js'
import {png, save, standalone} from './save.js'

export function Picture({name, title, width, height, children, minimum = 0.25, small = false}) {
	const svg = useRef()
	if (small) return <figure class="picture small"><svg viewBox={`0 0 ${width} ${height}`} aria-label={title} role="group">{children}</svg></figure>
	return <Zoomed {...{name, title, width, height, minimum, svg}}>{children}</Zoomed>
}

const readable = 0.6 // the least that a picture is made smaller so that all of it is in sight

function Zoomed({name, title, width, height, children, minimum, svg}) {
	const box = useRef()
	const room = useRoom(box)
	const fits = room < width && room >= width * readable ? room / width : 1
	const [chosen, setZoom] = useState(null)
	const zoom = chosen ?? fits
	useSideways(box)
	const step = (f) => setZoom((z) => Math.min(4, Math.max(minimum, (z ?? fits) * f)))
	const key = (e) => {
		if (e.target !== e.currentTarget) return
		if (e.key === '+' || e.key === '=') step(1.25)
		else if (e.key === '-') step(0.8)
		else if (e.key === '0') setZoom(1)
		else return
		e.preventDefault()
	}
	return <figure class="picture">
		<div class="tools">
			<span class="grow" />
			<button type="button" class="quiet" aria-label="Zoom out" onClick={() => step(0.8)}>−</button>
			<button type="button" class="quiet" aria-label="Zoom to 100 %" onClick={() => setZoom(1)}>{Math.round(zoom * 100)} %</button>
			<button type="button" class="quiet" aria-label="Zoom in" onClick={() => step(1.25)}>+</button>
			<button type="button" class="quiet" onClick={() => save(name + '.svg', 'image/svg+xml', standalone(svg.current))}>SVG</button>
			<button type="button" class="quiet" onClick={async () => save(name + '.png', 'image/png', await png(svg.current))}>PNG</button>
		</div>
		<div class="canvas" ref={box} tabIndex={0} role="region" aria-label={`${title}, picture: + and - zoom`} onKeyDown={key}>
			<svg ref={svg} viewBox={`0 0 ${width} ${height}`} width={width * zoom} height={height * zoom} aria-label={title} role="group">
				{children}
			</svg>
		</div>
	</figure>
}
