import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useLive } from './live'

const json = (body: unknown): Response => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
let stream: ReadableStreamDefaultController<Uint8Array>
let counted: number

beforeEach(() => {
  setActivePinia(createPinia())
  counted = 0
  vi.useFakeTimers()
  vi.stubGlobal('fetch', (asked: Request | string) => {
    if (typeof asked === 'string') {
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream = controller) })
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    }
    if (!asked.url.endsWith('/tasks/counts')) return Promise.resolve(json({ unread: { count: 2 } }))
    counted += 1
    return Promise.resolve(json({ open: counted }))
  })
})
afterEach(() => {
  vi.useRealTimers()
})

const says = async (event: string): Promise<void> => {
  stream.enqueue(new TextEncoder().encode(`event: ${event}\ndata: {}\n\n`))
  await vi.advanceTimersByTimeAsync(300)
}

test('lists and counts follow a burst of changes about once a second, and nothing else', async () => {
  const live = useLive()
  live.start()
  await vi.advanceTimersByTimeAsync(0)
  expect([live.changes, counted]).toEqual([0, 1])
  await says('editing')
  await vi.advanceTimersByTimeAsync(5000)
  expect([live.changes, counted]).toEqual([0, 1])
  for (let n = 0; n < 4; n += 1) await says('task')
  expect([live.changes, counted]).toEqual([1, 2])
  for (let n = 0; n < 3; n += 1) await says('task')
  await vi.advanceTimersByTimeAsync(5000)
  expect([live.changes, counted, live.tasks]).toEqual([2, 3, 3])
})
