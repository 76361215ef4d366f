// latest asks about what changes faster than answers come.
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {latest} from '../src/lib/latest.js'

// begin gives what was asked, what was told, and answer(value) for the request that is under way.
function begin() {
	const of = {asked: [], told: []}
	of.job = latest((value, signal) => new Promise((done, failed) => {
		of.asked.push(value)
		of.signal = signal
		of.answer = async (text) => {
			text instanceof Error ? failed(text) : done(text)
			await new Promise(setImmediate)
		}
	}), ({of: value, data, error}) => of.told.push(`${value}: ${data ?? error.message}`))
	return of
}

test('one request is under way, the latest value waits, and no answer is dropped', async () => {
	const of = begin()
	for (const value of [1, 2, 3]) of.job.about(value)
	assert.deepEqual(of.asked, [1])
	await of.answer('one')
	assert.deepEqual([of.asked, of.told], [[1, 3], ['1: one']])
	for (const value of [4, 5]) of.job.about(value)
	await of.answer(new Error('refused'))
	assert.deepEqual([of.asked, of.told], [[1, 3, 5], ['1: one', '3: refused']])
	await of.answer('five')
	assert.deepEqual([of.asked, of.told], [[1, 3, 5], ['1: one', '3: refused', '5: five']])
	of.job.about(6)
	assert.deepEqual(of.asked, [1, 3, 5, 6])
})

test('whoever leaves is told nothing more', async () => {
	const of = begin()
	of.job.about(1)
	of.job.about(2)
	of.job.end()
	assert.ok(of.signal.aborted)
	await of.answer('one')
	assert.deepEqual([of.asked, of.told], [[1], []])
})

test('an error that passes is asked about again, after a while and unless there is another value', async (t) => {
	t.mock.timers.enable({apis: ['setTimeout']})
	const of = begin()
	const passing = () => Object.assign(new Error('away'), {passing: true})
	const later = async () => {
		t.mock.timers.tick(2000)
		await new Promise(setImmediate)
	}
	of.job.about(1)
	await of.answer(passing())
	assert.deepEqual(of.asked, [1])
	await later()
	assert.deepEqual(of.asked, [1, 1])
	await of.answer(passing())
	of.job.about(2)
	await later()
	await of.answer('two')
	assert.deepEqual([of.asked, of.told], [[1, 1, 2], ['1: away', '1: away', '2: two']])
	of.job.about(3)
	await of.answer(passing())
	of.job.end()
	await later()
	assert.deepEqual(of.asked, [1, 1, 2, 3])
})
