import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { office, onProblem, take } from './client'
import { ApiProblem } from './problems'

const answers: Response[] = []
const asked: Request[] = []
const problem = (status: number, code: string, more = {}): Response =>
  new Response(JSON.stringify({ code, title: 'T', detail: 'D', ...more }), { status, headers: { 'content-type': 'application/problem+json', 'retry-after': '0' } })
const ok = (body: unknown): Response => new Response(JSON.stringify(body), { status: 200, headers: { 'content-type': 'application/json' } })

beforeEach(() => {
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(request)
    const answer = answers.shift()
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError('no network'))
  })
})
afterEach(() => {
  answers.length = 0
  asked.length = 0
  onProblem.handle = () => undefined
})

test('a call goes to the portal, with the header that other sites cannot send', async () => {
  answers.push(ok({ open: 1 }))
  expect(await take(office.GET('/tasks/counts'))).toEqual({ open: 1 })
  expect(asked[0]?.url).toBe('http://localhost:8000/api/office/v1/tasks/counts')
  expect(asked[0]?.headers.get('x-csrf')).toBe('1')
})

test('a call during the renewal of the token is made again', async () => {
  answers.push(problem(503, 'token_renewed'), ok({ open: 2 }))
  expect(await take(office.GET('/tasks/counts'))).toEqual({ open: 2 })
  expect(asked).toHaveLength(2)
})

test('another 503 is not tried again by itself', async () => {
  answers.push(problem(503, 'service_unavailable'))
  await expect(take(office.GET('/tasks/counts'))).rejects.toMatchObject({ code: 'service_unavailable', temporary: true })
  expect(asked).toHaveLength(1)
})

test('the session store learns of a problem, and the form gets the texts for its fields', async () => {
  const seen: ApiProblem[] = []
  onProblem.handle = (one) => void seen.push(one)
  answers.push(problem(401, 'step_up_required', { login: '/bff/login?max_age=300', errors: [{ pointer: '/recipients/units/0', detail: 'E' }] }))
  const failed = await take(office.GET('/tasks/counts')).catch((error: unknown) => error as ApiProblem)
  expect(seen).toEqual([failed])
  expect(seen[0]?.login).toBe('/bff/login?max_age=300')
  expect(seen[0]?.at('/recipients')).toBe('E')
  expect(seen[0]?.at('/recip')).toBeUndefined()
})

test('without a connection the text says that nothing is lost', async () => {
  await expect(take(office.GET('/tasks/counts'))).rejects.toMatchObject({ code: 'offline', temporary: true })
})
