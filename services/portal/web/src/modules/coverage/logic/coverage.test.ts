import { expect, test } from 'vitest'
import type { Child, Report, UnitCoverage } from '../api'
import { courseOf } from './course'
import { BOTTOM, HEIGHT, line, scale } from './curve'
import { ordered, ownOf, stateOf } from './ordering'
import { branchesOf, classOf, entryOf, heldOf, mappable, placeOf } from './places'
import { coverageTexts } from '../texts'

const unitOf = (code: string, level: string, region: string | null = code, kind = 'student_aid'): Child['unit'] => ({ id: code, code, name: code, level, kind, region_code: region }) as Child['unit']
const branch = (name: string, total: number, signed: number): Child => ({
  unit: unitOf(name, 'county'), total, delivered: total, signed, answered: 0, returned: 0, read: 0, overdue: 0, people: { total: 0, read: 0 },
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

test('an office stands for its area; 计划单列市 and 兵团 are apart; schools and other offices are in none', () => {
  const centre = unitOf('100000', 'ministry', null)
  const of = (unit: Child['unit'], above: Child['unit'] | null = centre) => {
    const { map_code, mark } = placeOf(unit, above)
    return [map_code, mark]
  }
  expect(of(unitOf('370000', 'province'))).toEqual(['370000', null])
  expect(of(unitOf('370200', 'city'))).toEqual(['370200', 'separately_planned'])
  expect(of(unitOf('370100', 'city'), unitOf('370000', 'province'))).toEqual(['370100', null])
  // Its region is that of 新疆, which is another's.
  expect(of(unitOf('660000', 'province', '650000'))).toEqual([null, 'corps'])
  expect(placeOf(unitOf('660000', 'province', '650000'), centre).province_code).toBe('650000')
  expect(of(unitOf('4111010001', 'school', '110000', 'school'))).toEqual([null, null])
  expect(of(unitOf('N370102', 'county', '370102', 'nutrition'), unitOf('370102', 'county'))).toEqual([null, null])
  expect(of(centre, null)).toEqual([null, null])
})

test('a map is offered down to the counties of a city', () => {
  const report = (level: string, children: Child[], kind?: string) => ({ under: unitOf('u', level, 'u', kind), children }) as unknown as Report
  const one = [branch('a', 1, 1)]
  expect(['ministry', 'province', 'city', 'county', 'school'].map((level) => mappable(report(level, one)))).toEqual([true, true, true, false, false])
  expect(mappable(report('city', []))).toBe(false)
  expect(mappable(report('city', one, 'nutrition'))).toBe(false)
})

test('the colour is the class of the share that has signed, complete only when nothing is missing', () => {
  const shares = [[0, 10], [29, 100], [30, 100], [60, 100], [90, 100], [999, 1000], [10, 10], [0, 0]] as const
  expect(shares.map(([signed, total]) => classOf({ signed, total }))).toEqual([0, 0, 1, 2, 3, 3, 4, null])
})

test('a branch that does not have the notice, or keeps it for itself, is hatched', () => {
  const names = (...units: string[]) => units.map((id) => ({ unit: { id, code: id, name: id }, cut_off: 1 }))
  const blocking = (count: number, ...units: string[]) => ({ blocking: { count, items: names(...units) } })
  const with_ = (delivered: number) => ({ ...branch('a', 4, 0), delivered })
  expect(heldOf(with_(0), blocking(0), true)).toBe('undelivered')
  expect(heldOf(with_(1), blocking(1, 'a'), true)).toBe('withheld')
  expect(heldOf(with_(1), blocking(1, 'b'), true)).toBeNull()
  // The list is cut off: the figures say it, unless they are of a group.
  expect(heldOf(with_(1), blocking(2, 'b'), true)).toBe('withheld')
  expect(heldOf(with_(1), blocking(2, 'b'), false)).toBeNull()
  expect(heldOf(with_(2), blocking(2, 'b'), true)).toBeNull()
})

test('what a branch has done is said in words, the worst first', () => {
  const under = unitOf('370100', 'city')
  const report = { under, children: [{ ...branch('370103', 2, 2) }, { ...branch('370102', 3, 0), delivered: 1, overdue: 1 }], blocking: { count: 1, items: [{ unit: { id: '370102', code: '370102', name: '' }, cut_off: 2 }] } } as unknown as Report
  const [first, second] = branchesOf(report, true).map((one) => entryOf(one, under, null))
  expect(first).toMatchObject({ step: 0, hatched: true, share: 0, text: '签收率 0.0%\n未转发\n已送达 1 / 3\n已签收 0 / 3\n逾期未签收 1' })
  expect(second).toMatchObject({ step: 4, hatched: false, share: 1, text: '签收率 100%\n已送达 2 / 2\n已签收 2 / 2' })
})

test('what a unit did is told in the order in which it happened', () => {
  const at = (hour: number): string => `2026-03-02T0${hour}:00:00Z`
  const returned = { number: 1, reason: 'r', returned_at: at(4), returned_by_name: 'b', status: 'resent', decided_at: at(5), decided_by_name: null, note: null }
  const found = {
    delivered_at: at(1), sender: { name: 'S' }, signature: { signed_at: at(6), signed_by_name: 'a', signing_unit: null, reason: null, late: true }, reads: [{ name: 'a', read_at: at(2) }],
    forwardings: [{ number: 1, forwarded_at: at(7), forwarded_by_name: 'a', deadline: at(9) }], submissions: [], reminders: [{ at: at(3), reason: 'unsigned' }], returns: [returned],
  } as unknown as UnitCoverage
  const texts = coverageTexts.course
  expect(courseOf(found).map((step) => step.what)).toEqual([texts.delivered, texts.read, texts.reminded, texts.returned, texts.decisions.resent, texts.signed, texts.forwarded])
  expect(courseOf(found)[5]?.more).toBe(`a · ${texts.late}`)
})
