import { expect, test } from 'vitest'
import type { Field } from '@/components/answers/fields'
import { askedOf, copied, fieldOf, lacking, moved, newField, putBack, shownOf, TYPES } from './asking'

const FIELDS: Field[] = [
  { key: 'a', type: 'text', label: 'A', required: true, help: 'H', max_length: 20, multiline: true },
  { key: 'b', type: 'number', label: 'B', required: false, help: null, decimals: 2, minimum: 0, maximum: 10, unit: 'U' },
  { key: 'c', type: 'date', label: 'C', required: false, help: null, earliest: '2023-05-01', latest: null },
  { key: 'd', type: 'choice', label: 'D', required: false, help: null, options: ['x', 'y'] },
  { key: 'e', type: 'multi_choice', label: 'E', required: false, help: null, options: ['x', 'y'], max_choices: 1 },
  { key: 'f', type: 'attachment', label: 'F', required: false, help: null, max_files: 3 },
  { key: 'g', type: 'table', label: 'G', required: false, help: null, max_rows: 9, columns: [{ key: 'h', type: 'text', label: 'I', required: true, help: null, max_length: 500, multiline: false }] },
]

test('a stored form is the same after it was shown in the editor', () => {
  expect(FIELDS.map(askedOf).map(fieldOf)).toEqual(FIELDS)
  expect(FIELDS.flatMap((one) => lacking([askedOf(one)]))).toEqual([])
})

test('each field has a key of its own, which stays when it is moved', () => {
  const list = TYPES.reduce((before, type) => [...before, newField(before, type)], [] as ReturnType<typeof newField>[])
  expect(new Set(list.map((one) => one.key)).size).toBe(TYPES.length)
  const keys = list.map((one) => one.key)
  expect(moved(list, 0, 2).map((one) => one.key)).toEqual([keys[1], keys[2], keys[0], ...keys.slice(3)])
  const twice = copied(list, 6)
  expect(new Set(twice.map((one) => one.key)).size).toBe(TYPES.length + 1)
  expect(twice[7]?.columns).not.toBe(twice[6]?.columns)
  expect(putBack(list.slice(1), list[0] as (typeof list)[0], 0)).toEqual(list)
})

test('what Office would refuse has the place that Office would name', () => {
  const choice = { ...newField([], 'choice'), label: 'A', options: 'x\n x \n' }
  const number = { ...newField([], 'number'), minimum: 5, maximum: 1, decimals: 9 } as const
  const table = newField([], 'table')
  expect(lacking([choice, number, table]).map((one) => one.pointer)).toEqual([
    '/fields/0/options', '/fields/1/label', '/fields/1/decimals', '/fields/1/maximum', '/fields/2/label', '/fields/2/columns/0/label',
  ])
})

test('a field without a name can be shown', () => {
  expect(shownOf(newField([], 'table'))).toMatchObject({ type: 'table', label: expect.stringMatching(/./) as string, columns: [{ label: expect.stringMatching(/./) as string }] })
})
