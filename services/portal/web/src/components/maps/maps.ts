/** Maps of the country and its provinces (public/maps), and which areas are shown for a place. Whoever shows one uses `PlacesMap`. */
import type { RouteLocationRaw } from 'vue-router'
import type { GeoMap } from '@/components/charts/options'

export const COUNTRY = '100000'
const HAINAN = '460000'

/** A unit or a region, and where it is on maps. */
export interface MapPlace {
  code: string
  name: string
  /** Of the administration: `ministry`, `province`, `city`, `county`, `school`, `department`. */
  level: string
  /** The code of its own area (GB/T 2260); null if it has none. */
  map_code: string | null
  province_code: string | null
  /** What must be shown apart from its neighbours: `separately_planned`, `corps`. */
  mark: string | null
}

/** A place below the one that is shown, with what the map and the order beside it say of it. */
export interface Entry {
  place: MapPlace
  /** The colour, 0 to 4; null: there is no figure. */
  step: number | null
  /** Its figures, for the drawing. */
  text: string
  /** The length of its bar, 0 to 1. */
  share: number
  /** What is behind it; null: nothing to look into. */
  to: RouteLocationRaw | null
  /** Whether the area is hatched, so that it is told from others not by colour alone. */
  hatched?: boolean
}

/** Those that have a tile of their own beside the map. */
export const isApart = (place: MapPlace): boolean => place.mark === 'separately_planned' || place.mark === 'corps'

interface Feature {
  id: string
  properties: { id: string; name: string; level?: string }
  geometry: unknown
}

export interface Outlines {
  features: Feature[]
}

export interface Origin {
  source: string
  approval: string
}

export type Box = readonly [number, number, number, number]

/** The inset of 南海诸岛, and what is beside it. */
export const INSET: Box = [105.5, 2.8, 123.5, 25.5]
const MAINLAND: Box = [73.4, 17.6, 135.2, 53.7]
const ISLAND: Box = [108.4, 18.05, 111.2, 20.25]

/** Small provinces beside each other: their labels would lie on one another. */
export const OFFSETS: Partial<Record<string, readonly [number, number]>> = {
  110000: [-8, -6],
  120000: [16, 5],
  130000: [-8, 14],
  440000: [-10, -8],
  810000: [18, 2],
  820000: [-6, 11],
}

const fetched = new Map<string, Promise<unknown>>()

/** Each file once. Throws if it cannot be had. */
function load<T>(name: string): Promise<T> {
  const before = fetched.get(name)
  if (before) return before as Promise<T>
  const call = fetch(`/maps/${name}.json`).then(async (answer) => {
    if (!answer.ok) throw new Error(`map ${name}: ${answer.status}`)
    return (await answer.json()) as T
  })
  fetched.set(name, call)
  call.catch(() => fetched.delete(name))
  return call
}

export const origin = (): Promise<Origin> => load<Origin>('origin')

export interface Shown {
  map: GeoMap
  features: readonly Feature[]
  box: Box | null
  /** The same outlines again, for the inset. */
  inset: boolean
}

/** Returns the file that a place is in; null if it is on no map. */
export const fileOf = (place: MapPlace): string | null => (place.level === 'ministry' || place.map_code === COUNTRY ? COUNTRY : (place.province_code ?? null))

/**
 * Chooses the areas below a place: provinces of the country; cities of a province, and the counties right below it;
 * counties of a city; a county among its neighbours.
 */
export function within(outlines: Outlines, place: MapPlace, children: readonly MapPlace[]): readonly Feature[] {
  const own = place.map_code ?? place.province_code ?? ''
  if (fileOf(place) === COUNTRY) return outlines.features
  if (place.level === 'province') {
    const direct = new Set(children.map((one) => one.map_code))
    const cities = outlines.features.filter((one) => one.properties.level === 'city')
    const counties = outlines.features.filter((one) => one.properties.level === 'county')
    // 直辖市 have no cities; 省直管县 are beside them.
    if (cities.length <= 1) return counties
    const named = new Set(cities.map((one) => one.properties.id))
    return [...cities, ...counties.filter((one) => direct.has(one.properties.id) && !named.has(one.properties.id))]
  }
  const prefix = own.slice(0, own.slice(2, 4) === '90' ? 2 : 4)
  return outlines.features.filter((one) => one.properties.level === 'county' && one.properties.id.startsWith(prefix))
}

export async function mapOf(place: MapPlace, children: readonly MapPlace[]): Promise<Shown | null> {
  const file = fileOf(place)
  if (!file) return null
  const outlines = await load<Outlines>(file)
  const features = within(outlines, place, children)
  if (!features.length) return null
  const whole = file === COUNTRY
  const island = place.map_code === HAINAN
  return {
    map: { name: `${file}-${place.code}`, features: { type: 'FeatureCollection', features } },
    features,
    box: whole ? MAINLAND : island ? ISLAND : null,
    inset: whole || island,
  }
}
