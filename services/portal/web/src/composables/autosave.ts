/** Saves what somebody fills in: some time after the last key, and when they leave the page. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { type ApiProblem, asProblem } from '@/api/problems'

const PAUSE = 1500
/** Until what could not be saved is tried again. */
const AGAIN = 10_000

export interface Autosave {
  state: Ref<'' | 'waiting' | 'saving' | 'failed'>
  problem: ShallowRef<ApiProblem | null>
  /** Saves what waits, now; returns whether everything is saved. */
  flush: () => Promise<boolean>
  /** Begins to watch: what is there now is saved. */
  start: () => void
  stop: () => void
}

/** `save` is never called twice at once: what changed meanwhile follows. */
export function useAutosave(content: Ref<unknown>, save: () => Promise<void>): Autosave {
  const state = ref<'' | 'waiting' | 'saving' | 'failed'>('')
  const problem = shallowRef<ApiProblem | null>(null)
  let on = false
  let changed = false
  let timer = 0
  let running: Promise<void> | null = null

  async function once(): Promise<void> {
    changed = false
    state.value = 'saving'
    try {
      await save()
      problem.value = null
      state.value = changed ? 'waiting' : ''
    } catch (error) {
      changed = true
      problem.value = asProblem(error)
      state.value = 'failed'
      if (on && problem.value.temporary) timer = window.setTimeout(() => void flush(), AGAIN)
    }
  }

  async function flush(): Promise<boolean> {
    window.clearTimeout(timer)
    // Whoever waited for the same save may have begun the next one.
    while (running) await running
    if (changed) {
      running = once().finally(() => (running = null))
      await running
    }
    return !changed
  }

  watch(
    content,
    () => {
      if (!on) return
      changed = true
      if (state.value !== 'saving') state.value = 'waiting'
      window.clearTimeout(timer)
      timer = window.setTimeout(() => void flush(), PAUSE)
    },
    { deep: true, flush: 'sync' },
  )
  onScopeDispose(() => {
    window.clearTimeout(timer)
    if (on) void flush()
    on = false
  })
  return {
    state,
    problem,
    flush,
    start: () => (on = true),
    stop: () => {
      on = false
      changed = false
      state.value = ''
      problem.value = null
      window.clearTimeout(timer)
    },
  }
}
