// The room that something wide has, and what of it is out of sight.
import {useEffect, useLayoutEffect, useState} from 'preact/hooks'

// useRoom is the width of an element in pixels, undefined before it is known.
export function useRoom(ref) {
	const [room, set] = useState()
	useLayoutEffect(() => {
		const measure = () => set(ref.current.clientWidth)
		measure()
		const observer = new ResizeObserver(measure)
		observer.observe(ref.current)
		return () => observer.disconnect()
	}, [])
	return room
}

// useSideways marks an element that scrolls with the sides at which more of its content is.
export function useSideways(ref) {
	useEffect(() => {
		const e = ref.current
		const look = () => {
			e.classList.toggle('before', e.scrollLeft > 1)
			e.classList.toggle('after', e.scrollLeft + e.clientWidth < e.scrollWidth - 1)
		}
		look()
		const observer = new ResizeObserver(look)
		for (const part of [e, ...e.children]) observer.observe(part)
		e.addEventListener('scroll', look, {passive: true})
		return () => {
			observer.disconnect()
			e.removeEventListener('scroll', look)
		}
	}, [])
}
