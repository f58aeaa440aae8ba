/** Follows a durable job until it ends. */
import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { JobSource, JobState } from '@/api/jobs'
import { type ApiProblem, asProblem } from '@/api/problems'

const FIRST_WAIT = 500
const LONGEST_WAIT = 5000
/** Milliseconds of observation before a remaining time is worth saying. */
const OBSERVED = 3000

export interface Sample {
  at: number
  done: number
}

/** Milliseconds until the end at the speed since the first sample; null while it is too early to say. */
export function remaining(first: Sample | null, last: Sample | null, total: number | null | undefined): number | null {
  if (!first || !last || !total || last.at - first.at < OBSERVED || last.done <= first.done || last.done > total) return null
  return ((total - last.done) * (last.at - first.at)) / (last.done - first.done)
}

export interface FollowedJob {
  state: ShallowRef<JobState | null>
  /** The last call did not succeed; it is tried again unless that is pointless. */
  problem: ShallowRef<ApiProblem | null>
  left: ComputedRef<number | null>
  ended: ComputedRef<boolean>
  /** Asks at once: something was done with the job. */
  look: () => Promise<void>
  asking: Ref<boolean>
}

/** Asks with growing pauses, and not while nobody sees the page. `onEnd` is called once. */
export function useJob(source: JobSource, onEnd: (state: JobState) => void): FollowedJob {
  const state: ShallowRef<JobState | null> = shallowRef(null)
  const problem = shallowRef<ApiProblem | null>(null)
  const asking = ref(false)
  const first = shallowRef<Sample | null>(null)
  const last = shallowRef<Sample | null>(null)
  const ended = computed(() => state.value !== null && state.value.status !== 'running')
  let wait = FIRST_WAIT
  let timer = 0
  let gone = false

  function later(): void {
    window.clearTimeout(timer)
    if (!gone && !ended.value && !document.hidden) timer = window.setTimeout(() => void look(), wait)
    wait = Math.min(wait * 1.5, LONGEST_WAIT)
  }

  async function look(): Promise<void> {
    if (asking.value || ended.value) return
    asking.value = true
    try {
      const found = await source.load()
      if (gone) return
      state.value = found
      problem.value = null
      if (found.status !== 'running') onEnd(found)
      else if (found.done !== null && found.done !== undefined) {
        last.value = { at: Date.now(), done: found.done }
        // Another step of the same job counts anew.
        if (!first.value || found.done < first.value.done) first.value = last.value
      }
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      asking.value = false
      if (!problem.value || problem.value.temporary) later()
    }
  }

  const seen = (): void => {
    if (!document.hidden) void look()
  }
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    gone = true
    window.clearTimeout(timer)
    document.removeEventListener('visibilitychange', seen)
  })
  void look()
  return { state, problem, left: computed(() => remaining(first.value, last.value, state.value?.total)), ended, look, asking }
}
