import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { onCall } from '@/api/client'
import { forgetDrafts } from '@/composables/draft'
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
  // Somebody is signed in for the tests of other files.
  forgetDrafts('P')
})

test.each([-300, 0, 300])('a session ends by the time of the server: this clock is %i minutes ahead', async (minutes) => {
  vi.useFakeTimers({ toFake: ['Date'], now: SERVER + minutes * MINUTE })
  const session = useSession()
  await session.load()
  expect(session.remaining()).toEqual({ idle: 120 * MINUTE, final: 600 * MINUTE })
  vi.setSystemTime(SERVER + (minutes + 30) * MINUTE)
  expect(session.remaining()).toEqual({ idle: 90 * MINUTE, final: 570 * MINUTE })
})

test('use in another tab keeps the session of this one; other tabs hear of use once a minute', async () => {
  // Fake timers would go on while something is waited for.
  const clock = vi.spyOn(Date, 'now').mockReturnValue(SERVER)
  const session = useSession()
  await session.load()
  const other = new BroadcastChannel('zhuxue-use')
  const heard: unknown[] = []
  other.addEventListener('message', (event: MessageEvent) => heard.push(event.data))
  try {
    clock.mockReturnValue(SERVER + 121 * MINUTE)
    expect(session.remaining().idle).toBe(-MINUTE)
    other.postMessage(SERVER + 100 * MINUTE)
    await vi.waitFor(() => expect(session.remaining().idle).toBe(99 * MINUTE))
    for (const seconds of [0, 59, 60]) {
      clock.mockReturnValue(SERVER + 121 * MINUTE + seconds * 1000)
      onCall.made()
    }
    await vi.waitFor(() => expect(heard).toEqual([SERVER + 121 * MINUTE, SERVER + 122 * MINUTE]))
    expect(session.remaining().idle).toBe(120 * MINUTE)
  } finally {
    other.close()
  }
})

test('whose session has ended at Identity is not signed in', async () => {
  answers['/api/identity/v1/me'] = () => json({ code: 'sign_in_required', title: 'T', detail: 'D' }, 401)
  const session = useSession()
  await session.load()
  expect([session.signedIn, session.session, session.interrupted]).toEqual([false, null, null])
})

test('other failures say what they are, and loading may be tried again', async () => {
  const session = useSession()
  answers['/api/identity/v1/me'] = () => json({ code: 'forbidden', title: 'T', detail: 'Because' }, 403)
  await expect(session.load()).rejects.toMatchObject({ code: 'forbidden', title: 'T', message: 'Because' })
  answers['/bff/session'] = () => null
  await expect(session.load()).rejects.toMatchObject({ code: 'offline', temporary: true })
})

test.each([
  [{ everywhere: true }, 'everywhere'],
  [{ everywhere: false }, 'here'],
])('a sign-out of which Identity did not hear says so, in all tabs: %o', async (ended, where) => {
  const session = useSession()
  await session.load()
  answers['/bff/logout'] = () => json(ended)
  const assign = vi.fn()
  vi.stubGlobal('location', { assign })
  const other = new BroadcastChannel('zhuxue-session')
  const told = new Promise((resolve) => other.addEventListener('message', ({ data }: MessageEvent) => resolve(data)))
  try {
    await session.signOut()
    expect(assign).toHaveBeenCalledWith(`/sign-in?signed_out=${where}`)
    expect(await told).toBe(where)
  } finally {
    other.close()
  }
})
