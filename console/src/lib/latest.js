// latest asks about values that change faster than answers come: one request at a time. While an answer is awaited only the latest
// value is kept, and asked about once it has come and rest milliseconds have passed. Nothing is cancelled by a change, so that answers
// come however fast values change, and the last value always has one: where that is an error that passes, it is asked about again.
//
// ask(value, signal) makes a request; told({of, data} or {of, error}) takes its answer, with the value it is for.
export function latest(ask, told, rest = 0) {
	const abort = new AbortController()
	let next = null, busy = false
	const run = async () => {
		busy = true
		while (next) {
			const {of} = next
			next = null
			const answer = await ask(of, abort.signal).then((data) => ({of, data}), (error) => ({of, error}))
			if (abort.signal.aborted) return
			told(answer)
			const {passing} = answer.error ?? {}
			if (passing) next ??= {of}
			if (passing || rest) await new Promise((done) => setTimeout(done, passing ? 2000 : rest))
			if (abort.signal.aborted) return
		}
		busy = false
	}
	return {
		about(of) {
			next = {of}
			if (!busy) run()
		},
		end: () => abort.abort(),
	}
}
