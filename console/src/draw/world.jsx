// WorldPicture draws edge locations and sites where they are.
import {useMemo} from 'preact/hooks'
import {geoGraticule10, geoNaturalEarth1, geoPath} from 'd3-geo'
import {feature} from 'topojson-client'
import land from 'world-atlas/land-110m.json'
import {A} from '../lib/router.jsx'
import {nameOf} from '../lib/text.js'
import {More} from '../ui/basics.jsx'
import {Picture} from '../ui/picture.jsx'
import {Table} from '../ui/table.jsx'
import {regions} from './regions.js'

const shape = feature(land, land.objects.land)

// edgesOf and sitesOf are places: what they are, where, and which view they lead to.
export const edgesOf = (core, about) => (core.Edges ?? []).map((e) => ({kind: 'edge location', of: core.CoreNetworkId, name: e.EdgeLocation, at: regions[e.EdgeLocation], note: `AS ${e.Asn}${about?.(e.EdgeLocation) ?? ''}`, to: ['cn', core.CoreNetworkId, 'attachments'], params: {edge: e.EdgeLocation}}))

export const sitesOf = (gn, sites) => sites.map((s) => {
	const at = [Number(s.Location?.Longitude), Number(s.Location?.Latitude)]
	const known = s.Location?.Latitude && s.Location?.Longitude && at.every(Number.isFinite)
	return {kind: 'site', name: nameOf(s) || s.Description || s.SiteId, at: known ? at : undefined, note: s.Location?.Address ?? '', to: ['gn', gn, 'sites'], params: {open: s.SiteId}}
})

export function WorldPicture({name, title, places, near = false, small = false}) {
	const [width, height] = small ? [600, 290] : [1000, 500]
	const placed = useMemo(() => places.filter((p) => p.at), [places])
	const projection = useMemo(() => {
		const p = geoNaturalEarth1()
		if (!near || !placed.length) return p.fitSize([width, height], {type: 'Sphere'})
		return p.fitExtent([[120, 90], [width - 120, height - 90]], {type: 'MultiPoint', coordinates: placed.map((x) => x.at)}).scale(Math.min(p.scale(), 1200))
			.translate([width / 2, height / 2]).center(middle(placed))
	}, [placed, near, width])
	const path = geoPath(projection).digits(1)
	const edges = placed.filter((p) => p.kind === 'edge location')
	return <Picture name={name} title={title} width={width} height={height} small={small}>
		<path class="sea" d={path({type: 'Sphere'})} />
		<path class="land" d={path(shape)} />
		<path class="grid" d={path(geoGraticule10())} />
		{edges.flatMap((a, i) => edges.slice(i + 1).filter((b) => a.of === b.of).map((b) => <path key={a.of + a.name + b.name} class="wire" d={path({type: 'LineString', coordinates: [a.at, b.at]})} />))}
		{placed.map((p, i) => {
			const [x, y] = projection(p.at)
			return <A key={i} to={p.to} params={p.params} aria-label={`${p.kind} ${p.name}`}><title>{`${p.name}: ${p.note}`}</title>
				{p.kind === 'site' ? <rect class="site" x={x - 4} y={y - 4} width={8} height={8} /> : <circle class="edge" cx={x} cy={y} r={6} />}
				{p.kind !== 'site' && <text class="strong" x={x > width - 110 ? x - 9 : x + 9} text-anchor={x > width - 110 ? 'end' : 'start'} y={y + 4}>{p.name}</text>}</A>
		})}
	</Picture>
}

function middle(points) {
	const lon = points.map((p) => p.at[0]), lat = points.map((p) => p.at[1])
	return [(Math.min(...lon) + Math.max(...lon)) / 2, (Math.min(...lat) + Math.max(...lat)) / 2]
}

const columns = [
	{name: 'kind', title: 'Kind', text: (p) => p.kind},
	{name: 'name', title: 'Name', text: (p) => p.name},
	{name: 'at', title: 'Latitude, longitude', text: (p) => p.at ? `${p.at[1]}, ${p.at[0]}` : 'not known'},
	{name: 'note', title: 'About', text: (p) => p.note},
]

// PlacesTable is the table beside the picture.
export function PlacesTable({name, places, ...rest}) {
	const rows = useMemo(() => places.map((p, i) => ({...p, i})), [places])
	return <Table name={name} caption="Edge locations and sites" columns={columns} rows={rows} keyOf={(p) => p.i} empty="There is nothing to show." {...rest} />
}

// SmallWorld is the picture of a global network among other things, with its table.
export function SmallWorld({gn, cores, sites}) {
	const places = useMemo(() => [...cores.flatMap((c) => edgesOf(c)), ...sitesOf(gn, sites)], [gn, cores, sites])
	if (!places.length) return null
	return <>
		<WorldPicture small name={`map-${gn}`} title="Map of edge locations and sites" places={places} />
		<More summary="The map as a table"><PlacesTable name={`map-${gn}`} places={places} tall={280} /></More>
	</>
}
