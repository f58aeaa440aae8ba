/** Who is signed in at this browser. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { CSRF, identity, onCall, onProblem, take, type Identity } from '@/api/client'
import { ApiProblem, asProblem, problemOf } from '@/api/problems'
import { forgetDrafts } from '@/composables/draft'

export type Me = Identity['schemas']['MeOut']
export type Permission = Identity['schemas']['Permission']

interface Session {
  sub: string
  expires_at: string
  ends_at: string
  /** The server's time. */
  now: string
}

export interface Site {
  identity_url: string
  dev: boolean
  organiser: string
  support_phone: string | null
  help_url: string | null
  icp_number: string | null
  police_number: string | null
}

/** The page after a sign-out: `here` if Identity did not hear of it, and its session goes on. */
const signedOutAt = (where: 'everywhere' | 'here'): string => `/sign-in?signed_out=${where}`

/** Other tabs learn of a sign-out at once, and where it was. */
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('zhuxue-session')
/** And of use, which keeps the session of all tabs: when it was. */
const uses = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('zhuxue-use')
/** Other tabs are told at most this often. */
const TELL = 60_000

/** Returns the address that signs in and comes back to this page. */
export const signInAddress = (login = '/bff/login', returnTo = location.pathname + location.search): string =>
  `${login}${login.includes('?') ? '&' : '?'}return_to=${encodeURIComponent(returnTo)}`

/** Calls the portal itself. */
function ask(path: string, how: RequestInit = {}): Promise<Response> {
  return fetch(path, { headers: CSRF, ...how }).catch(() => {
    throw ApiProblem.offline()
  })
}

export const useSession = defineStore('session', () => {
  const me = ref<Me | null>(null)
  const session = ref<Session | null>(null)
  const site = ref<Site>({ identity_url: '', dev: false, organiser: '', support_phone: null, help_url: null, icp_number: null, police_number: null })
  /** Why a dialog asks to sign in again; typed text is kept. */
  const interrupted = ref<ApiProblem | null>(null)
  const lastUse = ref(Date.now())
  let idle = 0
  /** How far the clock of this computer is ahead of the server's. */
  let ahead = 0
  let told = 0
  let loading: Promise<void> | null = null

  async function read(): Promise<Session | null> {
    const answer = await ask('/bff/session', { cache: 'no-store' })
    if (answer.status === 401) return null
    if (!answer.ok) throw await problemOf(answer)
    return (await answer.json()) as Session
  }

  function used(): void {
    lastUse.value = Date.now()
    if (Math.abs(lastUse.value - told) < TELL) return
    told = lastUse.value
    uses?.postMessage(told)
  }

  function renewed(found: Session): void {
    session.value = found
    const now = new Date(found.now).getTime()
    used()
    ahead = lastUse.value - now
    idle = new Date(found.expires_at).getTime() - now
  }

  async function loadAll(): Promise<void> {
    const [where, found] = await Promise.all([ask('/bff/site'), read()])
    if (where.ok) site.value = (await where.json()) as Site
    if (found === null) return
    renewed(found)
    forgetDrafts(found.sub)
    try {
      me.value = await take(identity.GET('/me'))
    } catch (error) {
      if (asProblem(error).code !== 'sign_in_required') throw error
      // The session has ended at Identity, or the person is suspended: nobody is signed in.
      session.value = null
      interrupted.value = null
    }
  }

  /** Finds out once who is signed in. Throws `ApiProblem` when the portal does not answer. */
  function load(): Promise<void> {
    loading ??= loadAll().catch((error: unknown) => {
      loading = null
      throw error
    })
    return loading
  }

  /** Keeps the session for another while. */
  async function stay(): Promise<void> {
    const found = await read()
    if (found) renewed(found)
  }

  /** Milliseconds until the session ends if nothing happens, and at the latest. */
  function remaining(now = Date.now()): { idle: number; final: number } {
    if (!session.value) return { idle: Infinity, final: Infinity }
    return { idle: lastUse.value + idle - now, final: new Date(session.value.ends_at).getTime() + ahead - now }
  }

  async function signOut(): Promise<void> {
    const answer = await ask('/bff/logout', { method: 'POST' })
    if (!answer.ok && answer.status !== 401) throw await problemOf(answer)
    // Without a session there is nothing more to end.
    const ended = answer.ok ? ((await answer.json()) as { everywhere: boolean }) : { everywhere: true }
    const where = ended.everywhere ? 'everywhere' : 'here'
    forgetDrafts(null)
    channel?.postMessage(where)
    location.assign(signedOutAt(where))
  }

  async function actFor(unitId: string): Promise<void> {
    await take(identity.POST('/me/acting-unit', { body: { unit_id: unitId } }))
    location.assign('/')
  }

  const may = (permission: Permission): boolean => me.value?.permissions.includes(permission) ?? false
  const signedIn = computed(() => me.value !== null)

  onCall.made = used
  onProblem.handle = (problem) => {
    if (problem.code === 'sign_in_required' || problem.code === 'step_up_required') interrupted.value = problem
  }
  channel?.addEventListener('message', ({ data }: MessageEvent<'everywhere' | 'here'>) => {
    if (!signedIn.value) return
    forgetDrafts(null)
    location.assign(signedOutAt(data))
  })
  uses?.addEventListener('message', ({ data }: MessageEvent<number>) => {
    lastUse.value = Math.max(lastUse.value, data)
  })

  return { me, session, site, interrupted, signedIn, load, stay, remaining, signOut, actFor, may }
})
