// WorldMap shows edge locations and sites where they are.
import {useMemo} from 'preact/hooks'
import {geoGraticule10, geoNaturalEarth1, geoPath} from 'd3-geo'
import {feature} from 'topojson-client'
import land from 'world-atlas/land-110m.json'
import {regions} from '../draw/regions.js'
import {placesOf, useCoreNetwork, useGraph, useInventory} from '../lib/data.js'
import {A, setParams} from '../lib/router.jsx'
import {nameOf, plural} from '../lib/text.js'
import {Choice, Loaded, Page} from '../ui/basics.jsx'
import {Picture} from '../ui/picture.jsx'
import {Table} from '../ui/table.jsx'

const width = 1000, height = 500
const shape = feature(land, land.objects.land)

const columns = [
	{name: 'kind', title: 'Kind', text: (p) => p.kind},
	{name: 'name', title: 'Name', text: (p) => p.name},
	{name: 'at', title: 'Latitude, longitude', text: (p) => p.at ? `${p.at[1]}, ${p.at[0]}` : 'not known'},
	{name: 'note', title: 'About', text: (p) => p.note},
]

export function WorldMap({parts: [, cn], params}) {
	const core = useCoreNetwork(cn)
	const gn = core.data?.GlobalNetworkId
	const sites = useInventory(gn, 'sites')
	const graph = useGraph(cn)
	const points = useMemo(() => {
		const count = (edge) => graph.data ? `, ${plural(placesOf(graph.data).reduce((n, p) => n + (p.attached?.[edge] ?? 0), 0), 'attachment')}` : ''
		const edges = (core.data?.Edges ?? []).map((e) => ({kind: 'edge location', name: e.EdgeLocation, at: regions[e.EdgeLocation], note: `AS ${e.Asn}${count(e.EdgeLocation)}`, to: ['cn', cn, 'attachments'], params: {edge: e.EdgeLocation}}))
		const places = (sites.data ?? []).map((s) => {
			const at = [Number(s.Location?.Longitude), Number(s.Location?.Latitude)]
			const known = s.Location?.Latitude && s.Location?.Longitude && at.every(Number.isFinite)
			return {kind: 'site', name: nameOf(s) || s.Description || s.SiteId, at: known ? at : undefined, note: s.Location?.Address ?? '', to: ['gn', gn, 'sites'], params: {open: s.SiteId}}
		})
		return [...edges, ...places].map((p, i) => ({...p, i}))
	}, [core.data, sites.data, graph.data])
	const projection = useMemo(() => {
		const p = geoNaturalEarth1()
		const placed = points.filter((x) => x.at)
		if (params.fit !== 'network' || !placed.length) return p.fitSize([width, height], {type: 'Sphere'})
		return p.fitExtent([[120, 90], [width - 120, height - 90]], {type: 'MultiPoint', coordinates: placed.map((x) => x.at)}).scale(Math.min(p.scale(), 1200))
			.translate([width / 2, height / 2]).center(middle(placed))
	}, [points, params.fit])
	const path = geoPath(projection).digits(1)
	const edges = points.filter((p) => p.kind === 'edge location' && p.at)
	return <Page title="Map">
		<Loaded of={core} what="places">{() => <>
			<div class="filters"><Choice label="Shown" value={params.fit ?? ''} options={[['', 'The world'], ['network', 'The network']]} onChange={(fit) => setParams({fit})} /></div>
			<Picture name="map" title="Map of edge locations and sites" width={width} height={height}>
				<path class="sea" d={path({type: 'Sphere'})} />
				<path class="land" d={path(shape)} />
				<path class="grid" d={path(geoGraticule10())} />
				{edges.flatMap((a, i) => edges.slice(i + 1).map((b) => <path key={a.name + b.name} class="wire" d={path({type: 'LineString', coordinates: [a.at, b.at]})} />))}
				{points.filter((p) => p.at).map((p) => {
					const [x, y] = projection(p.at)
					return <A key={p.i} to={p.to} params={p.params} aria-label={`${p.kind} ${p.name}`}><title>{`${p.name}: ${p.note}`}</title>
						{p.kind === 'site' ? <rect class="site" x={x - 4} y={y - 4} width={8} height={8} /> : <circle class="edge" cx={x} cy={y} r={6} />}
						{p.kind !== 'site' && <text class="strong" x={x + 9} y={y + 4}>{p.name}</text>}</A>
				})}
			</Picture>
			<p class="hint">Circles are edge locations, squares are sites with a latitude and a longitude.</p>
			<h2>As a table</h2>
			<Table name="map" caption="Edge locations and sites" columns={columns} rows={points} keyOf={(p) => p.i} empty="There is nothing to show." />
		</>}</Loaded>
	</Page>
}

function middle(points) {
	const lon = points.map((p) => p.at[0]), lat = points.map((p) => p.at[1])
	return [(Math.min(...lon) + Math.max(...lon)) / 2, (Math.min(...lat) + Math.max(...lat)) / 2]
}
