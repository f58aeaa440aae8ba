import { fireEvent, render, screen } from '@testing-library/vue'
import { nextTick } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { JobState } from '@/api/jobs'
import { ApiProblem } from '@/api/problems'
import { remaining } from '@/composables/job'
import { duration } from '@/texts/format'
import ExportButton from './ExportButton.vue'
import JobProgress from './JobProgress.vue'

const answers: (JobState | ApiProblem)[] = []
const load = vi.fn(() => {
  const found = answers.length > 1 ? answers.shift() : answers[0]
  return found instanceof ApiProblem ? Promise.reject(found) : Promise.resolve(found as JobState)
})
const later = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

beforeEach(() => {
  answers.length = 0
  load.mockClear()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a job is followed to its end, over a lost connection, and its file is saved', async () => {
  const download = vi.fn(() => Promise.resolve())
  answers.push({ status: 'running', done: null, total: null }, { status: 'running', done: 10, total: 40 }, ApiProblem.offline(), { status: 'done', size: 2048, rows: 40 })
  const { emitted } = render(JobProgress, { props: { label: 'J', source: { load, download } } })
  await later(0)
  const bar = screen.getByRole<HTMLProgressElement>('progressbar', { name: 'J' })
  expect(bar.hasAttribute('value')).toBe(false)
  await later(600)
  expect(screen.getByRole<HTMLProgressElement>('progressbar').value).toBe(0.25)
  expect(screen.getByText('10 / 40')).toBeTruthy()
  await later(1000)
  expect(screen.getByRole('progressbar')).toBeTruthy()
  expect(emitted('ended')).toBeUndefined()
  await later(2000)
  expect(screen.queryByRole('progressbar')).toBeNull()
  expect(emitted('ended')).toHaveLength(1)
  const asked = load.mock.calls.length
  await later(20_000)
  expect(load).toHaveBeenCalledTimes(asked)
  await fireEvent.click(screen.getByRole('button'))
  expect(download).toHaveBeenCalledOnce()
})

test('a job that is cancelled, or failed, says so', async () => {
  const cancel = vi.fn(() => Promise.resolve())
  answers.push({ status: 'running' }, { status: 'cancelled' })
  const shown = render(JobProgress, { props: { label: 'J', source: { load, cancel } } })
  await later(0)
  await fireEvent.click(screen.getByRole('button'))
  await later(0)
  expect(cancel).toHaveBeenCalledOnce()
  expect(screen.queryByRole('button')).toBeNull()
  shown.unmount()
  answers.splice(0, answers.length, { status: 'failed', message: 'Too many' })
  render(JobProgress, { props: { label: 'J', source: { load, cancel } } })
  await later(0)
  expect(screen.getByRole('alert').textContent).toBe('Too many')
})

test('nobody asks for a job that is not there, nor after the page is left', async () => {
  answers.push(new ApiProblem(404, 'not_found', 'T', 'D'))
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
  render(JobProgress, { props: { label: 'J', source: { load } }, global: { plugins: [router] } })
  await later(10_000)
  expect(load).toHaveBeenCalledOnce()
  answers.splice(0, 1, { status: 'running' })
  const { unmount } = render(JobProgress, { props: { label: 'J', source: { load } } })
  await later(0)
  unmount()
  await later(10_000)
  expect(load).toHaveBeenCalledTimes(2)
})

test('a second file cannot be ordered before the first one is made', async () => {
  answers.push({ status: 'running' }, { status: 'done' })
  const start = vi.fn(() => Promise.resolve({ name: 'F.xlsx', source: { load } }))
  render(ExportButton, { props: { label: 'X', start } })
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'X' })
  await fireEvent.click(button)
  await later(0)
  expect(button.disabled).toBe(true)
  await later(1000)
  await nextTick()
  expect(button.disabled).toBe(false)
})

test('the time that remains is said when it can be known', () => {
  expect(remaining(null, null, 10)).toBeNull()
  expect(remaining({ at: 0, done: 0 }, { at: 1000, done: 5 }, 10)).toBeNull()
  expect(remaining({ at: 0, done: 100 }, { at: 5000, done: 200 }, 500)).toBe(15_000)
  expect(remaining({ at: 0, done: 100 }, { at: 5000, done: 100 }, 500)).toBeNull()
  expect([duration(200), duration(59_000), duration(61_000), duration(3_700_000)].map((one) => one.replace(/\D+/, ''))).toEqual(['1', '59', '2', '2'])
})
