// Builds internal/console/static from src. The same sources give the same bytes: the result is committed, and
// scripts/check builds it again and finds no difference. With a folder as its argument it builds there.
import {build} from 'esbuild'
import {mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? join(here, '../internal/console/static')

const result = await build({
	absWorkingDir: here,
	entryPoints: {app: 'src/main.jsx', style: 'src/style.css'},
	entryNames: '[name]',
	chunkNames: '[name]-[hash]',
	outdir: out,
	write: false, // what fails to build leaves what is there
	bundle: true,
	minify: true,
	splitting: true,
	format: 'esm',
	target: 'es2022',
	jsx: 'automatic',
	jsxImportSource: 'preact',
	charset: 'utf8',
	legalComments: 'none', // LICENSES.txt has them
	metafile: true,
	logLevel: 'warning',
	loader: {'.json': 'json'},
})
rmSync(out, {recursive: true, force: true})
mkdirSync(out, {recursive: true})
for (const file of result.outputFiles) writeFileSync(file.path, file.contents)
writeFileSync(join(out, 'icon.svg'), readFileSync(join(here, 'src/icon.svg')))
writeFileSync(join(out, 'index.html'), readFileSync(join(here, 'src/index.html'), 'utf8').replace(/(.*)<script.*\n/, (script, indent) => preloads(result.metafile, indent) + script))
writeFileSync(join(out, 'LICENSES.txt'), licences(result.metafile))

// preloads are links to what the first script imports, which a browser would find only once it has read the script.
function preloads(metafile, indent) {
	const first = Object.values(metafile.outputs).find((o) => o.entryPoint === 'src/main.jsx')
	return first.imports.filter((i) => i.kind === 'import-statement').map((i) => `${indent}<link rel="modulepreload" href="/console/${basename(i.path)}">\n`).join('')
}

// licences is what the packages in the bundle ask to be passed on.
function licences(metafile) {
	const packages = new Set()
	for (const path of Object.keys(metafile.inputs)) {
		const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)
		if (found) packages.add(found[1])
	}
	let text = ''
	for (const name of [...packages].sort()) {
		const dir = join(here, 'node_modules', name)
		const {version, license} = JSON.parse(readFileSync(join(dir, 'package.json')))
		const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f))
		text += `${name} ${version} (${license})\n\n${file ? readFileSync(join(dir, file), 'utf8').trim() : ''}\n\n\n`
	}
	return text
}
