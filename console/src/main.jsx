import {render} from 'preact'
import {App} from './app.jsx'
import {preference} from './lib/session.js'
import {begin} from './lib/stream.js'

const theme = preference('theme')
if (theme) document.documentElement.dataset.theme = theme
begin() // before views ask
render(<App />, document.body)
