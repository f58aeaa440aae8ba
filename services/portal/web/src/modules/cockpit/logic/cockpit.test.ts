import { expect, test } from 'vitest'
import { stepsOf } from '@/components/charts/options'
import { nameOf, type Child, type Figure, type View } from '../api'
import { atPlace, changed, inModule, type Place } from './asked'
import { grouped, sorted, totals } from './figures'
import { following } from './rotation'

const figure = (value: string | null): Figure => ({ value, display: value ?? '*', absent: value === null ? 'suppressed' : null, suppressed: value === null })
const place = (code: string, level: string, more: Partial<Place> = {}): Place => ({ code, name: code, level, unit_id: `u${code}`, map_code: code, province_code: `${code.slice(0, 2)}0000`, mark: null, ...more })
const child = (code: string, value: string | null): Child => ({ place: place(code, 'county'), figures: [figure(value)], view: '/x' })

test('another module keeps place and sector, and the period only if it has the calendar', () => {
  const asked = { unit: 'u', sector: 'basic', calendar: 'year', period: '2024' }
  expect(inModule(asked, 'funds')).toEqual(asked)
  expect(inModule(asked, 'hardship')).toEqual({ unit: 'u', sector: 'basic' })
})

test('another calendar asks for its last period, another tree for its own place', () => {
  expect(changed({ unit: 'u', calendar: 'year', period: '2024' }, { calendar: 'term' })).toEqual({ unit: 'u', calendar: 'term' })
  expect(changed({ unit: 'u', period: '2024' }, { tree: 'territory' })).toEqual({ period: '2024', tree: 'territory' })
  expect(changed({ sector: 'basic' }, { sector: '' })).toEqual({})
})

test('a place is a unit by authority and a region by territory; what has been closed leads nowhere', () => {
  expect(atPlace({ unit: 'x', period: '2024' }, place('370100', 'city'))).toEqual({ period: '2024', unit: 'u370100' })
  expect(atPlace({ tree: 'territory', region: '370000' }, place('370100', 'city'))).toEqual({ tree: 'territory', region: '370100' })
  expect(atPlace({}, place('370100', 'city', { unit_id: null }))).toBeNull()
})

test('hidden figures are neither zero nor first', () => {
  const rows = [child('1', null), child('2', '5'), child('3', '9')]
  expect(sorted(rows, 0).map((one) => one.place.code)).toEqual(['3', '2', '1'])
  expect(sorted(rows, 0, false).map((one) => one.place.code)).toEqual(['2', '3', '1'])
  expect(stepsOf([null, 5, 9, 1])).toEqual([null, 2, 4, 0])
  expect(stepsOf([null, 7])).toEqual([null, 2])
})

test('the first row of the table has the figures of the tiles', () => {
  const key = (metric: string) => ({ metric, figure: figure('7'), year_on_year: figure('1') })
  const view = {
    module: 'overview',
    key_figures: [key('aid_amount'), key('aided_by_one')],
    child_columns: [{ metric: 'aid_amount', comparison: null }, { metric: 'aid_amount', comparison: 'year_on_year' }, { metric: 'paid_amount', comparison: null }],
  } as unknown as View
  expect(totals(view).map((one) => one?.value)).toEqual(['7', '1', undefined])
  expect(grouped(view).map(([group, figures]) => [group, figures.length])).toEqual([['main', 1]])
})

test('the name of a file is the one that the service gives', () => {
  expect(nameOf("attachment; filename=a.csv; filename*=UTF-8''a%20b.csv", 'x')).toBe('a b.csv')
  expect(nameOf(null, 'x.csv')).toBe('x.csv')
})

test('a display turns through the modules and leaves out those without figures, unless none has any', () => {
  const kept = (...periods: string[]): View => ({ available: [{ calendar: 'year', periods }] }) as unknown as View
  expect(following(null, new Map())).toBe('overview')
  expect(following('funds', new Map())).toBe('overview')
  expect(following('overview', new Map([['hardship', kept()]]))).toBe('students')
  const none = new Map((['overview', 'hardship', 'students', 'funds'] as const).map((one) => [one, kept()]))
  expect(following('overview', none)).toBe('hardship')
  expect(following('overview', new Map([...none, ['funds', kept('2024')]]))).toBe('funds')
})
