import { expect, test } from 'vitest'
import { type Field, filled, pointerOf, valueOf } from './fields'

test('empty fields are not sent, and numbers are sent as they were typed', () => {
  expect(filled({ a: '', b: '12.50', c: [], d: null, e: [{}], f: 0 })).toEqual({ b: '12.50', e: [{}], f: 0 })
})

test('the place of a cell is a JSON Pointer', () => {
  expect(pointerOf('staff', 0, 'name')).toBe('/values/staff/0/name')
  expect(pointerOf('a/b~c')).toBe('/values/a~1b~0c')
})

test('an amount is shown with all decimals of its field', () => {
  const field = (rest: object): Field => ({ key: 'k', label: 'L', type: 'number', required: false, ...rest }) as Field
  expect([401.2, 5, 0, null].map((value) => valueOf(field({ decimals: 2 }), value))).toEqual(['401.20', '5.00', '0.00', ''])
  expect(valueOf(field({ decimals: 0 }), 12)).toBe('12')
  expect(valueOf(field({ type: 'text' }), '401.2')).toBe('401.2')
})
