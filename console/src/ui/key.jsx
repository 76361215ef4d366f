// KeyDialog takes an access key. It stays in memory until the page is closed.
import {useLayoutEffect, useRef, useState} from 'preact/hooks'
import {session} from '../lib/session.js'
import {canSign} from '../lib/sigv4.js'
import {Field} from './basics.jsx'

export function KeyDialog() {
	const dialog = useRef()
	const [key, set] = useState({id: '', secret: '', token: '', region: 'us-west-2'})
	useLayoutEffect(() => { dialog.current.showModal() }, [])
	const field = (name) => ({value: key[name], onInput: (v) => set({...key, [name]: v.trim()})})
	const use = (e) => {
		e.preventDefault()
		session.use({...key})
	}
	// What the AWS CLI and the console of IAM give to copy is taken whole.
	const paste = (e) => {
		const text = e.clipboardData.getData('text')
		const found = {
			id: /aws_access_key_id\W+(\w+)/i.exec(text)?.[1], secret: /aws_secret_access_key\W{1,3}([\w/+=]+)/i.exec(text)?.[1],
			token: /aws_session_token\W{1,3}([\w/+=]+)/i.exec(text)?.[1],
		}
		if (!found.id || !found.secret) return
		e.preventDefault()
		set({...key, ...found, token: found.token ?? ''})
	}
	return <dialog ref={dialog} onClose={session.dismiss} aria-labelledby="key-title">
		<form onSubmit={use} onPaste={paste}>
			<h2 id="key-title">Access key</h2>
			<p><bdi>{session.asking}</bdi></p>
			{!canSign() && <p class="failure">This browser signs requests only on https or at a loopback address.</p>}
			<Field label="Access key ID" required {...field('id')} />
			<Field label="Secret access key" required type="password" {...field('secret')} />
			<Field label="Session token, of a temporary key" type="password" {...field('token')} />
			<Field label="Region of the signature" {...field('region')} />
			<p class="hint">The key stays in the memory of this page and is never stored. Pasting what `aws configure export-credentials --format env` prints fills all fields.</p>
			<div class="actions"><button type="submit" disabled={!canSign()}>Use the key</button>
				<button type="button" class="quiet" onClick={() => dialog.current.close()}>Cancel</button></div>
		</form>
	</dialog>
}
