// Saving what is shown: text, SVG, PNG.

export function save(name, type, data) {
	const url = URL.createObjectURL(data instanceof Blob ? data : new Blob([data], {type}))
	const a = document.createElement('a')
	a.href = url
	a.download = name
	a.click()
	setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

const properties = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'opacity', 'dominant-baseline']

// standalone is an SVG element as a file of its own, with the styles it has in the page.
export function standalone(svg) {
	const copy = svg.cloneNode(true)
	const from = [svg, ...svg.querySelectorAll('*')], to = [copy, ...copy.querySelectorAll('*')]
	for (let i = 0; i < from.length; i++) {
		const style = getComputedStyle(from[i])
		for (const p of properties) {
			const v = style.getPropertyValue(p)
			if (v) to[i].setAttribute(p, v)
		}
		for (const a of ['class', 'tabindex', 'role']) to[i].removeAttribute(a)
	}
	const box = svg.viewBox.baseVal
	const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
	for (const [k, v] of Object.entries({x: box.x, y: box.y, width: box.width, height: box.height, fill: getComputedStyle(document.body).backgroundColor})) ground.setAttribute(k, v)
	copy.prepend(ground)
	copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
	copy.setAttribute('width', box.width)
	copy.setAttribute('height', box.height)
	return '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(copy)
}

export async function png(svg) {
	const box = svg.viewBox.baseVal
	const image = new Image()
	const url = URL.createObjectURL(new Blob([standalone(svg)], {type: 'image/svg+xml'}))
	try {
		image.src = url
		await image.decode()
	} finally {
		URL.revokeObjectURL(url)
	}
	const scale = Math.min(2, 8000 / Math.max(box.width, box.height))
	const canvas = document.createElement('canvas')
	canvas.width = Math.round(box.width * scale)
	canvas.height = Math.round(box.height * scale)
	canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height)
	return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}
