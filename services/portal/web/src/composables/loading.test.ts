import { beforeEach, expect, test } from 'vitest'
import { effectScope } from 'vue'
import { ApiProblem } from '@/api/problems'
import { useAction } from './loading'
import { missed } from './missed'

const problem = new ApiProblem(409, 'c', 'T', 'D')
beforeEach(() => (missed.value = null))

test('a problem that comes after the dialog was closed is shown by the frame', async () => {
  let fail = (): void => undefined
  const scope = effectScope()
  const action = scope.run(() => useAction(() => new Promise((_, reject) => (fail = () => reject(problem)))))
  const done = action?.run()
  scope.stop()
  fail()
  expect(await done).toBe(false)
  expect(missed.value).toBe(problem)
})

test('a problem of what is open is shown there', async () => {
  const action = effectScope().run(() => useAction(() => Promise.reject(problem)))
  expect(await action?.run()).toBe(false)
  expect([action?.problem.value, missed.value]).toEqual([problem, null])
})
