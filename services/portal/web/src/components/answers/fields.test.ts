import { expect, test } from 'vitest'
import { filled, pointerOf } from './fields'

test('empty fields are not sent, and numbers are sent as they were typed', () => {
  expect(filled({ a: '', b: '12.50', c: [], d: null, e: [{}], f: 0 })).toEqual({ b: '12.50', e: [{}], f: 0 })
})

test('the place of a cell is a JSON Pointer', () => {
  expect(pointerOf('staff', 0, 'name')).toBe('/values/staff/0/name')
  expect(pointerOf('a/b~c')).toBe('/values/a~1b~0c')
})
