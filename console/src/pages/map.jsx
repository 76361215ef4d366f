// WorldMap shows edge locations and sites where they are.
import {useMemo} from 'preact/hooks'
import {PlacesTable, WorldPicture, edgesOf, sitesOf} from '../draw/world.jsx'
import {placesOf, useCoreNetwork, useGraph, useInventory} from '../lib/data.js'
import {setParams} from '../lib/router.jsx'
import {plural} from '../lib/text.js'
import {Choice, Loaded, Page} from '../ui/basics.jsx'

export function WorldMap({parts: [, cn], params}) {
	const core = useCoreNetwork(cn)
	const gn = core.data?.GlobalNetworkId
	const sites = useInventory(gn, 'sites')
	const graph = useGraph(cn)
	const places = useMemo(() => {
		const count = (edge) => graph.data ? `, ${plural(placesOf(graph.data).reduce((n, p) => n + (p.attached?.[edge] ?? 0), 0), 'attachment')}` : ''
		return core.data ? [...edgesOf(core.data, count), ...sitesOf(gn, sites.data ?? [])] : []
	}, [core.data, sites.data, graph.data])
	return <Page title="Map">
		<Loaded of={core} what="places">{() => <>
			<div class="filters"><Choice label="Shown" value={params.fit ?? ''} options={[['', 'The world'], ['network', 'The network']]} onChange={(fit) => setParams({fit})} /></div>
			<WorldPicture name="map" title="Map of edge locations and sites" places={places} near={params.fit === 'network'} />
			<p class="hint">Circles are edge locations, squares are sites with a latitude and a longitude.</p>
			<h2>As a table</h2>
			<PlacesTable name="map" places={places} />
		</>}</Loaded>
	</Page>
}
