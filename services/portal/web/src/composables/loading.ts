/** The states of something that a page loads, and of something that it does. */
import { computed, type ComputedRef, getCurrentScope, onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { type ApiProblem, asProblem } from '@/api/problems'
import { missed } from './missed'

export interface Loading<T> {
  data: ShallowRef<T | null>
  problem: ShallowRef<ApiProblem | null>
  busy: Ref<boolean>
  load: () => Promise<void>
  /** What was loaded is still worth showing: all is well, or only that it could not be renewed for now. */
  kept: ComputedRef<boolean>
  /** From now on `load` asks for something else: if that fails, what is there is not it. */
  turn: () => void
}

/** Loads with `call`; an answer that comes after a newer one was asked for is dropped. */
export function useLoading<T>(call: () => Promise<T>): Loading<T> {
  const data: ShallowRef<T | null> = shallowRef(null)
  const problem = shallowRef<ApiProblem | null>(null)
  const busy = ref(false)
  const turned = ref(false)
  let latest = 0
  async function load(): Promise<void> {
    const own = (latest += 1)
    busy.value = true
    try {
      const found = await call()
      if (own !== latest) return
      data.value = found
      problem.value = null
      turned.value = false
    } catch (error) {
      if (own === latest) problem.value = asProblem(error)
    } finally {
      if (own === latest) busy.value = false
    }
  }
  const kept = computed(() => data.value !== null && (!problem.value || (problem.value.temporary && !turned.value)))
  return { data, problem, busy, load, kept, turn: () => (turned.value = true) }
}

export interface Action<A extends unknown[]> {
  problem: ShallowRef<ApiProblem | null>
  busy: Ref<boolean>
  /** Returns whether it succeeded. Does nothing while it runs: a second click is not a second order. */
  run: (...given: A) => Promise<boolean>
}

/** Does something once at a time and keeps its problem for display; if its page or dialog is gone by then, the frame shows it. */
export function useAction<A extends unknown[]>(call: (...given: A) => Promise<unknown>): Action<A> {
  const problem = shallowRef<ApiProblem | null>(null)
  const busy = ref(false)
  let gone = false
  if (getCurrentScope()) onScopeDispose(() => (gone = true))
  async function run(...given: A): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    problem.value = null
    try {
      await call(...given)
      return true
    } catch (error) {
      problem.value = asProblem(error)
      if (gone) missed.value = problem.value
      return false
    } finally {
      busy.value = false
    }
  }
  return { problem, busy, run }
}
