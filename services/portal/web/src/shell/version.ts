/** Whether the pages that are open are those that the portal has: a new version may be deployed while somebody works. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import { useLive } from '@/session/live'

const RELOADED = 'zhuxue:reloaded'
/** Between two looks when the page is shown again. */
const APART = 60_000
/** After a look that failed; each time twice as long, up to `APART`. */
const AGAIN = 5_000

/** Returns the address of the program in a page. */
export function entryOf(html: string): string | null {
  return new DOMParser().parseFromString(html, 'text/html').querySelector('script[type=module]')?.getAttribute('src') ?? null
}

export type Notice = '' | 'newer' | 'renewed' | 'offline' | 'failed'

export const useVersion = defineStore('version', () => {
  const own = document.querySelector('script[type=module]')?.getAttribute('src') ?? null
  /** What people are told: that there is a new version, that they have it now, or why a page did not open. */
  const notice = ref<Notice>(sessionStorage.getItem(RELOADED) === null ? '' : 'renewed')
  sessionStorage.removeItem(RELOADED)
  /** The page that did not open. */
  const wanted = ref('')
  let looked = Date.now()
  let again: ReturnType<typeof setTimeout> | undefined
  let wait = AGAIN

  /** Asks the portal for its version. Throws when it does not answer. */
  async function newer(): Promise<boolean> {
    looked = Date.now()
    const answer = await fetch('/index.html', { cache: 'no-cache' })
    if (!answer.ok) throw new Error(String(answer.status))
    const entry = entryOf(await answer.text())
    return entry !== null && entry !== own
  }

  /** Looks for a newer version, until the portal answers: it may be out while it is deployed. */
  async function look(): Promise<void> {
    clearTimeout(again)
    try {
      if (await newer()) notice.value = 'newer'
      wait = AGAIN
    } catch {
      // Not all browsers at once.
      again = setTimeout(() => void look(), wait * (0.5 + Math.random()))
      wait = Math.min(2 * wait, APART)
    }
  }

  /** The files of a page did not come: with a new version they are gone, and the browser gets the new ones. */
  async function missed(path: string): Promise<void> {
    wanted.value = path
    try {
      if (await newer()) renew(path)
      else notice.value = 'failed'
    } catch {
      notice.value = 'offline'
    }
  }

  /** Gets the present version, of this page or of the one that somebody wanted. Typed text is in drafts. */
  function renew(path = ''): void {
    sessionStorage.setItem(RELOADED, '1')
    if (path) location.assign(path)
    else location.reload()
  }

  /** Tries again to open the page that did not open, unless the browser would show its own page instead. */
  async function retry(): Promise<void> {
    try {
      if (await newer()) renew(wanted.value)
      else location.assign(wanted.value)
    } catch {
      notice.value = 'offline'
    }
  }

  function start(): void {
    const live = useLive()
    let before = false
    // The portal stops during a deployment, and with it the stream.
    watch(
      () => live.connected,
      (now) => {
        if (now && before) void look()
        before ||= now
      },
    )
    window.addEventListener('online', () => {
      if (notice.value === 'offline') notice.value = ''
      void look()
    })
    // A part of a page that comes later, such as charts.
    window.addEventListener('vite:preloadError', () => void look())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && Date.now() - looked > APART) void look()
    })
  }

  return { notice, look, missed, renew, retry, start }
})
