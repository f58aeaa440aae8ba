/** Pages of a list by cursor: each is loaded as it is turned to, and the cursors of those before are kept to go back. */
import { computed, ref, type ComputedRef } from 'vue'
import { useLoading, type Loading } from './loading'

export interface Page<T> {
  items: T[]
  next?: string | null
  total?: { count: number; exact: boolean }
}

/** `P` may have more than the list. */
export interface Pages<P extends Page<unknown>> {
  state: Loading<P>
  rows: ComputedRef<P['items']>
  /** Which page it is, from one. */
  number: ComputedRef<number>
  hasNext: ComputedRef<boolean>
  /** Loads the first page. */
  begin: () => void
  next: () => void
  previous: () => void
}

export function usePages<P extends Page<unknown>>(call: (cursor: string | undefined) => Promise<P>): Pages<P> {
  const cursors = ref<string[]>([])
  const state = useLoading(() => call(cursors.value.at(-1)))
  function turn(to: string[]): void {
    cursors.value = to
    state.turn()
    void state.load()
  }
  return {
    state,
    rows: computed(() => state.data.value?.items ?? []),
    number: computed(() => cursors.value.length + 1),
    hasNext: computed(() => Boolean(state.data.value?.next)),
    begin: () => turn([]),
    next: () => {
      const cursor = state.data.value?.next
      if (cursor) turn([...cursors.value, cursor])
    },
    previous: () => turn(cursors.value.slice(0, -1)),
  }
}
