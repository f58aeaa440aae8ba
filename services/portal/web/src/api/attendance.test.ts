import { afterEach, expect, test, vi } from 'vitest'
import { ATTENDED } from './attendance'
import { calling, onCall } from './client'
import { uploadFile } from './upload'

const { made } = onCall
afterEach(() => {
  onCall.made = made
  vi.useRealTimers()
})

test('calls of a page that nobody is at say so, and do not keep the session', async () => {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now })
  const said: (string | null)[] = []
  let used = 0
  onCall.made = () => (used += 1)
  vi.stubGlobal('fetch', (request: Request) => {
    said.push(request.headers.get('x-unattended'))
    return Promise.resolve(new Response('{}'))
  })
  const call = (): Promise<Response> => calling(new Request('http://localhost:8000/api/office/v1/tasks/counts'))
  window.dispatchEvent(new Event('pointermove'))
  await call()
  vi.setSystemTime(now + ATTENDED - 1)
  await call()
  vi.setSystemTime(now + ATTENDED)
  await call()
  expect([said, used]).toEqual([[null, null, '1'], 2])
  document.body.dispatchEvent(new Event('keydown', { bubbles: true }))
  await call()
  expect([said.at(-1), used]).toEqual([null, 3])
})

test('so does a file that is still on its way', async () => {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now })
  const headers: string[] = []
  vi.stubGlobal(
    'XMLHttpRequest',
    class extends EventTarget {
      upload = new EventTarget()
      status = 201
      responseText = '{}'
      open = (): undefined => undefined
      setRequestHeader(name: string): void {
        headers.push(name)
      }
      getResponseHeader(): null {
        return null
      }
      send(): void {
        this.dispatchEvent(new Event('load'))
      }
    },
  )
  window.dispatchEvent(new Event('click'))
  const send = (): Promise<unknown> => uploadFile(new File(['a'], 'a.txt'), { signal: new AbortController().signal, progress: () => undefined })
  await send()
  expect(headers).not.toContain('x-unattended')
  vi.setSystemTime(now + ATTENDED)
  await send()
  expect(headers).toContain('x-unattended')
})
