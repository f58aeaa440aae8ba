import { expect, test } from 'vitest'
import { beginning, dayOf, monthOf, next, weeks } from './month'

test('the day of a deadline is that of Beijing', () => {
  expect(dayOf('2026-11-26T16:00:00Z')).toBe('2026-11-27')
  expect(dayOf('2026-11-26T15:59:59Z')).toBe('2026-11-26')
  expect(beginning({ year: 2026, month: 12 }).toISOString()).toBe('2026-11-30T16:00:00.000Z')
})

test('weeks begin on Monday and have the days of the month only', () => {
  const november = weeks({ year: 2026, month: 11 })
  expect(november[0]).toEqual([null, null, null, null, null, null, '2026-11-01'])
  expect(november.at(-1)).toEqual(['2026-11-30', null, null, null, null, null, null])
  expect(weeks({ year: 2028, month: 2 }).flat().filter(Boolean)).toHaveLength(29)
})

test('months go on over the end of a year', () => {
  expect(next(monthOf('2026-12-31'), 1)).toEqual({ year: 2027, month: 1 })
  expect(next(monthOf('2027-01-01'), -1)).toEqual({ year: 2026, month: 12 })
})
