import { expect, test } from 'vitest'
import type { Child, Report } from '../api'
import { BOTTOM, HEIGHT, line, scale } from './curve'
import { ordered, ownOf, stateOf } from './ordering'

const branch = (name: string, total: number, signed: number): Child => ({
  unit: { id: name, code: name, name }, total, delivered: total, signed, answered: 0, returned: 0, read: 0, overdue: 0, people: { total: 0, read: 0 },
})

test('branches are ordered by any column, both ways; those that owe nothing are complete', () => {
  const all = [branch('a', 10, 9), branch('b', 4, 1), branch('c', 0, 0)]
  const names = (sort: string): string => ordered(all, sort).map((one) => one.unit.name).join('')
  expect([names(''), names('rate'), names('-rate'), names('total'), names('-signed'), names('-name')]).toEqual(['abc', 'bac', 'cab', 'cba', 'abc', 'cba'])
})

test('what the branches do not have is the unit\'s own', () => {
  const report = { ...branch('u', 15, 10), children: [branch('a', 10, 9), branch('b', 4, 1)] } as unknown as Report
  expect(ownOf(report)).toMatchObject({ total: 1, delivered: 1, signed: 0 })
  expect(stateOf(ownOf(report), 0)).toBe('delivered')
  expect(stateOf({ total: 1, delivered: 0, signed: 0, overdue: 1 }, 0)).toBe('overdue')
  expect(stateOf({ total: 0, delivered: 0, signed: 0, overdue: 0 }, 1)).toBe('returned')
  expect(stateOf({ total: 0, delivered: 0, signed: 0, overdue: 0 }, 0)).toBeNull()
})

test('a curve begins with nothing and ends at the present number, on a scale that holds the total', () => {
  const start = '2026-03-02T00:00:00Z'
  const points = [{ at: '2026-03-02T12:00:00Z', signed: 40, answered: 0, people_read: 0 }, { at: '2026-03-03T00:00:00Z', signed: 90, answered: 0, people_read: 0 }]
  const of = scale(points, start, 130)
  expect(of.ticks).toEqual([0, 50, 100, 150])
  expect(of.y(0)).toBe(HEIGHT - BOTTOM)
  const drawn = line(points, start, of, (point) => point.signed)
  expect(drawn.startsWith(`M${of.x(new Date(start).getTime()).toFixed(1)} ${of.y(0).toFixed(1)}`)).toBe(true)
  expect(drawn.endsWith(` ${of.y(90).toFixed(1)}`)).toBe(true)
  expect(scale([], start, 0).ticks).toEqual([0, 1])
})
