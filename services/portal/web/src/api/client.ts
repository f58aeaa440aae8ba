/** Typed clients of the services, through the portal, which adds the access token that pages never have. */
import createClient, { type ClientOptions, type Middleware } from 'openapi-fetch'
import { attended, UNATTENDED } from './attendance'
import { ApiProblem, problemOf } from './problems'
import type { paths as CockpitPaths } from './generated/cockpit'
import type { paths as IdentityPaths } from './generated/identity'
import type { paths as OfficePaths } from './generated/office'

export type { components as Cockpit } from './generated/cockpit'
export type { components as Identity } from './generated/identity'
export type { components as Office } from './generated/office'

/** Sent with every call: pages of other sites cannot (ADR 0036). */
export const CSRF = { 'x-csrf': '1' } as const

/** Told of each call of somebody who is at the page, which keeps the session from ending. */
export const onCall = { made: (): unknown => undefined }

const RENEWALS = 3

/** What happens when a call finds no session, or one that is not strong enough; the session store sets it. */
export const onProblem: { handle: (problem: ApiProblem) => void } = { handle: () => undefined }

/**
 * Calls `fetch`; an answer that says the token is being renewed is tried again. Nothing has happened then, whatever
 * the method: a service verifies the token first.
 */
export async function calling(request: Request): Promise<Response> {
  const use = attended()
  if (!use) request.headers.set(UNATTENDED, '1')
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(request.clone()).catch(() => {
      throw ApiProblem.offline()
    })
    if (use) onCall.made()
    if (answer.status !== 503 || attempt > RENEWALS) return answer
    const problem = await problemOf(answer.clone())
    if (problem.code !== 'token_renewed') return answer
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get('retry-after') ?? 1)))
  }
}

const guarded: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(CSRF)) request.headers.set(name, value)
    return request
  },
}

const options = (service: string): ClientOptions => ({ baseUrl: `${location.origin}/api/${service}/v1`, fetch: calling })

export const identity = createClient<IdentityPaths>(options('identity'))
export const office = createClient<OfficePaths>(options('office'))
export const cockpit = createClient<CockpitPaths>(options('cockpit'))
/** Of a wall display, which has a session and operations of its own. */
export const wallCockpit = createClient<CockpitPaths>(options('wall/cockpit'))
for (const client of [identity, office, cockpit, wallCockpit]) client.use(guarded)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** Returns the content of an answer. Throws `ApiProblem`; the session store learns of those that it has to solve. */
export async function take<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await taken(call)).data
}

/** The same with the answer's `ETag`, for content that two people may edit. */
export async function taken<T>(call: Promise<Answer<T>>): Promise<{ data: T; etag: string | null }> {
  const { data, error, response } = await call
  if (response.ok) return { data: data as T, etag: response.headers.get('etag') }
  const problem = ApiProblem.of(response, error)
  onProblem.handle(problem)
  throw problem
}
