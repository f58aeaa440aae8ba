import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useSession } from './store'

const MINUTE = 60_000
const SERVER = Date.parse('2026-03-02T08:00:00Z')
const after = (minutes: number): string => new Date(SERVER + minutes * MINUTE).toISOString()
const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

/** What the portal answers, by path; null is a lost connection. */
let answers: Record<string, () => Response | null>

beforeEach(() => {
  setActivePinia(createPinia())
  answers = {
    '/bff/site': () => json({ dev: false }),
    '/bff/session': () => json({ sub: 'P', expires_at: after(120), ends_at: after(600), now: after(0) }),
    '/api/identity/v1/me': () => json({ sub: 'P', permissions: [] }),
  }
  vi.stubGlobal('fetch', (asked: Request | string) => {
    const answer = answers[typeof asked === 'string' ? asked : new URL(asked.url).pathname]?.() ?? null
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError('no network'))
  })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([-300, 0, 300])('a session ends by the time of the server: this clock is %i minutes ahead', async (minutes) => {
  vi.useFakeTimers({ toFake: ['Date'], now: SERVER + minutes * MINUTE })
  const session = useSession()
  await session.load()
  expect(session.remaining()).toEqual({ idle: 120 * MINUTE, final: 600 * MINUTE })
  vi.setSystemTime(SERVER + (minutes + 30) * MINUTE)
  expect(session.remaining()).toEqual({ idle: 90 * MINUTE, final: 570 * MINUTE })
})
