import { expect, test } from 'vitest'
import { project, unproject } from '@/components/charts/albers'
import { fileOf, within, type MapPlace, type Outlines } from './maps'

const place = (code: string, level: string, more: Partial<MapPlace> = {}): MapPlace => ({ code, name: code, level, map_code: code, province_code: `${code.slice(0, 2)}0000`, mark: null, ...more })

test('a place is shown by the areas below it', () => {
  const feature = (id: string, level: string) => ({ id, properties: { id, name: id, level }, geometry: null })
  const outlines: Outlines = { features: [feature('420100', 'city'), feature('420200', 'city'), feature('420102', 'county'), feature('429004', 'county')] }
  const ids = (of: MapPlace, children: MapPlace[] = []) => within(outlines, of, children).map((one) => one.id)
  // 省直管县 are beside the cities, other counties are not.
  expect(ids(place('420000', 'province'), [place('429004', 'county')])).toEqual(['420100', '420200', '429004'])
  expect(ids(place('420100', 'city'))).toEqual(['420102'])
  expect(ids(place('420102', 'county'))).toEqual(['420102'])
  expect(fileOf(place('100000', 'ministry', { province_code: null }))).toBe('100000')
  expect(fileOf(place('660000', 'province', { map_code: null, province_code: null }))).toBeNull()
})

test('the projection can be undone', () => {
  for (const point of [[105, 35], [73.5, 39.4], [135, 48.3], [112, 4]] as const) {
    const [longitude, latitude] = unproject(project(point))
    expect(longitude).toBeCloseTo(point[0], 9)
    expect(latitude).toBeCloseTo(point[1], 9)
  }
  expect(project([105, 40])[1]).toBeLessThan(project([105, 20])[1])
})
