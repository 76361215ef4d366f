import {render} from 'preact'
import {App} from './app.jsx'
import {preference} from './lib/session.js'

const theme = preference('theme')
if (theme) document.documentElement.dataset.theme = theme
render(<App />, document.body)
