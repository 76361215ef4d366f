// useChanges renders again with every change that listen tells of. It listens before the page is painted: no change is missed.
import {useLayoutEffect, useReducer} from 'preact/hooks'

export function useChanges(listen) {
	const [, render] = useReducer((n) => n + 1, 0)
	useLayoutEffect(() => listen(render), [])
}
