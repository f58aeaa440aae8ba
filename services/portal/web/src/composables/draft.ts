/**
 * Keeps what somebody types until it is submitted: over a lost connection, an expired session, a step-up and a new
 * version of the pages. It stays in this tab's `sessionStorage`, for this person, and goes when they sign out.
 */
import { onScopeDispose, ref, type Ref, toRaw, watch } from 'vue'

const PREFIX = 'zhuxue:draft:'
const OWNER = 'zhuxue:owner'
const WAIT = 200
/** Somebody has signed out: what is still on the screen is not kept again. */
let closed = false

/** Deletes drafts unless they belong to this person. */
export function forgetDrafts(sub: string | null): void {
  closed = sub === null
  if (sub !== null && sessionStorage.getItem(OWNER) === sub) return
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
  if (sub === null) sessionStorage.removeItem(OWNER)
  else sessionStorage.setItem(OWNER, sub)
}

export interface Draft {
  /** Whether the content at the start is that of before an interruption. */
  restored: Ref<boolean>
  /** The content as it is now is safe elsewhere, or not wanted any more: it is kept again once it differs. */
  forget: () => void
}

/** Keeps `content` under `key`; what was kept before replaces it at once. */
export function useDraft<T extends object>(key: string, content: Ref<T>): Draft {
  const name = PREFIX + key
  const restored = ref(false)
  const kept = sessionStorage.getItem(name)
  if (kept !== null) {
    try {
      content.value = { ...content.value, ...(JSON.parse(kept) as Partial<T>) }
      restored.value = true
    } catch {
      sessionStorage.removeItem(name)
    }
  }
  let timer = 0
  /** What need not be kept. */
  let safe = kept === null ? JSON.stringify(toRaw(content.value)) : ''
  const write = (): void => {
    window.clearTimeout(timer)
    timer = 0
    if (closed) return
    const text = JSON.stringify(toRaw(content.value))
    if (text === safe) sessionStorage.removeItem(name)
    else sessionStorage.setItem(name, text)
  }
  const stop = watch(
    content,
    () => {
      window.clearTimeout(timer)
      timer = window.setTimeout(write, WAIT)
    },
    { deep: true },
  )
  const leave = (): void => {
    if (timer) write()
  }
  window.addEventListener('pagehide', leave)
  onScopeDispose(() => {
    leave()
    stop()
    window.removeEventListener('pagehide', leave)
  })
  return {
    restored,
    forget: () => {
      window.clearTimeout(timer)
      timer = 0
      restored.value = false
      safe = JSON.stringify(toRaw(content.value))
      sessionStorage.removeItem(name)
    },
  }
}
