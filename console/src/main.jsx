import {render} from 'preact'
import {App} from './app.jsx'
import {preference} from './lib/session.js'
import {follow} from './lib/stream.js'

const theme = preference('theme')
if (theme) document.documentElement.dataset.theme = theme
follow() // before views ask
render(<App />, document.body)
