import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { ApiProblem } from '@/api/problems'
import { type Autosave, useAutosave } from './autosave'

const content = ref({ text: '' })
let scope = effectScope()
const autosave = (save: () => Promise<void>): Autosave => {
  const made = scope.run(() => useAutosave(content, save))
  if (!made) throw new Error('no scope')
  return made
}

beforeEach(() => {
  scope = effectScope()
  content.value = { text: '' }
  vi.useFakeTimers()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

test('what is typed is saved after a pause, once; what is typed meanwhile follows', async () => {
  const saved: string[] = []
  const waiting: (() => void)[] = []
  const saving = autosave(() => {
    saved.push(content.value.text)
    return new Promise((resolve) => waiting.push(resolve))
  })
  content.value.text = 'of the service'
  saving.start()
  content.value.text = 'a'
  content.value.text = 'ab'
  expect(saving.state.value).toBe('waiting')
  await vi.advanceTimersByTimeAsync(1500)
  expect(saved).toEqual(['ab'])
  content.value.text = 'abc'
  await vi.advanceTimersByTimeAsync(5000)
  expect(saved).toEqual(['ab'])
  waiting.shift()?.()
  await vi.advanceTimersByTimeAsync(0)
  expect(saved).toEqual(['ab', 'abc'])
  waiting.shift()?.()
  expect(await saving.flush()).toBe(true)
  expect(saving.state.value).toBe('')
})

test('somebody who submits waits for a save that another one has begun meanwhile', async () => {
  const waiting: { done: () => void; fail: (why: Error) => void }[] = []
  const saving = autosave(() => new Promise((done, fail) => waiting.push({ done, fail })))
  saving.start()
  content.value.text = 'a'
  await vi.advanceTimersByTimeAsync(1500)
  content.value.text = 'ab'
  // Its pause ends while the first save is under way; then somebody submits.
  await vi.advanceTimersByTimeAsync(1500)
  let saved: boolean | null = null
  void saving.flush().then((all) => (saved = all))
  waiting.shift()?.done()
  await vi.advanceTimersByTimeAsync(0)
  expect([waiting.length, saved]).toEqual([1, null])
  // That one fails, and so does another attempt.
  for (let attempt = 0; attempt < 2; attempt += 1) {
    waiting.shift()?.fail(new ApiProblem(400, 'refused', '', ''))
    await vi.advanceTimersByTimeAsync(0)
  }
  expect(saved).toBe(false)
})

test('what could not be saved is tried again, and what waits is saved when the page is left', async () => {
  const save = vi.fn(() => Promise.reject(ApiProblem.offline()))
  const saving = autosave(save)
  saving.start()
  content.value.text = 'a'
  await vi.advanceTimersByTimeAsync(1500)
  expect([saving.state.value, saving.problem.value?.code]).toEqual(['failed', 'offline'])
  save.mockImplementation(() => Promise.resolve(undefined as never))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(saving.state.value).toBe('')
  content.value.text = 'b'
  scope.stop()
  await vi.advanceTimersByTimeAsync(5000)
  expect(save).toHaveBeenCalledTimes(3)
})
