/** A display without a keyboard: asks to be allowed, shows figures, and asks anew when it is stopped (RFC 8628). */
import { onScopeDispose, ref, shallowReactive, shallowRef, type Ref, type ShallowRef } from 'vue'
import { asProblem } from '@/api/problems'
import { beginWall, getWall, getWallView, type View, type WallStatus } from '../api'
import type { ModuleName } from './asked'
import { following, isEmpty, RENEWED, TURN } from './rotation'

const RETRIED = 5_000
/** A page that is open for a day loads itself anew, so that it has the present version. */
const DAY = 86_400_000

export interface Display {
  /** What is shown to whoever allows it; none while there are figures to show. */
  code: ShallowRef<WallStatus | null>
  /** The last request was denied. */
  denied: Ref<boolean>
  /** The portal gives no answer. */
  lost: Ref<boolean>
  shown: Ref<ModuleName | null>
  views: ReadonlyMap<ModuleName, View>
  start: () => void
}

/** `only` is the one module to show; all of them in turn, if null. */
export function useDisplay(only: ModuleName | null): Display {
  const code = shallowRef<WallStatus | null>(null)
  const denied = ref(false)
  const lost = ref(false)
  const shown = ref<ModuleName | null>(null)
  const views = shallowReactive(new Map<ModuleName, View>())
  let timer = 0
  let busy = false
  let ended = false

  /** Does one thing at a time; each says what comes next, and when. */
  function next(what: () => Promise<void>, milliseconds: number): void {
    window.clearTimeout(timer)
    if (!ended) timer = window.setTimeout(() => void once(what), milliseconds)
  }

  async function once(what: () => Promise<void>): Promise<void> {
    if (busy) return
    busy = true
    try {
      await what()
    } catch {
      lost.value = true
      next(what, RETRIED)
    } finally {
      busy = false
    }
  }

  /** `pause`: before figures are asked for, if it goes on. */
  async function begin(pause = 0): Promise<void> {
    const found = await beginWall()
    lost.value = false
    if (found.state === 'showing') return next(show, pause)
    views.clear()
    shown.value = null
    code.value = found
    next(look, 1000 * (found.poll_seconds ?? 5))
  }

  async function look(): Promise<void> {
    const found = await getWall()
    lost.value = false
    if (found.state === 'pending') return next(look, 1000 * (found.poll_seconds ?? 5))
    denied.value = found.state === 'denied'
    if (found.state !== 'showing') return next(begin, 0)
    code.value = null
    next(show, 0)
  }

  async function show(): Promise<void> {
    code.value = null
    const wanted = only ?? following(shown.value, views)
    try {
      views.set(wanted, await getWallView(wanted))
      lost.value = false
    } catch (error) {
      const { status } = asProblem(error)
      // Stopped or expired, or whoever allowed it may not any more; the portal knows whether it was just allowed.
      if (status === 401 || status === 403) return next(() => begin(RETRIED), 0)
      lost.value = true
    }
    if (!only && isEmpty(views.get(wanted)) && following(shown.value, views) !== wanted) return next(show, 0)
    if (views.has(wanted)) shown.value = wanted
    if (!lost.value && performance.now() > DAY) return location.reload()
    next(show, !views.size ? RETRIED : only ? RENEWED : TURN)
  }

  onScopeDispose(() => {
    ended = true
    window.clearTimeout(timer)
  })
  return { code, denied, lost, shown, views, start: () => next(begin, 0) }
}
