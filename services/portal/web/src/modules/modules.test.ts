import { expect, test } from 'vitest'

const files = Object.keys(import.meta.glob(['./*/**']))

test('every module has the same shape', () => {
  const shape = /^\.\/[a-z]+\/((api|routes|texts)(\.test)?\.ts|(api|texts|logic)\/\w+(\.test)?\.ts|pages\/\w+Page(\.vue|\.test\.ts)|components\/\w+(\.vue|\.test\.ts))$/
  expect(files.length).toBeGreaterThan(100)
  expect(files.filter((path) => !shape.test(path))).toEqual([])
})
