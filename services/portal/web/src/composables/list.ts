/** A list of a service: filters in the address, pages by cursor, and the states of loading. */
import { computed, reactive, ref, type ComputedRef, type Ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useLoading, type Loading } from './loading'

export interface Page<T> {
  items: T[]
  next?: string | null
  total?: { count: number; exact: boolean }
}

export type Filters = Record<string, string>

export interface List<T, F extends Filters> {
  filters: F
  state: Loading<Page<T>>
  rows: ComputedRef<T[]>
  number: Ref<number>
  hasNext: ComputedRef<boolean>
  next: () => void
  previous: () => void
  /** Applies the filters from the first page on. */
  apply: () => void
  reset: () => void
  reload: () => Promise<void>
}

/** `defaults` names the filters; those that differ are in the address, so that a list can be passed on and gone back to. */
export function useList<T, F extends Filters>(defaults: F, call: (filters: F, cursor: string | undefined) => Promise<Page<T>>): List<T, F> {
  const route = useRoute()
  const router = useRouter()
  const own = route.path
  const read = (): F =>
    Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, typeof route.query[name] === 'string' ? route.query[name] : value])) as F
  const filters = reactive(read()) as F
  let applied = { ...filters }
  const cursors = ref<string[]>([])
  const state = useLoading(() => call(applied, cursors.value.at(-1)))

  function begin(): void {
    applied = { ...filters }
    cursors.value = []
    void state.load()
  }

  function apply(): void {
    // Others on the page have theirs in the address too.
    const others = Object.entries(route.query).filter(([name]) => !(name in defaults))
    const query = Object.fromEntries([...others, ...Object.entries(filters).filter(([name, value]) => value !== defaults[name])])
    void router.replace({ query })
    begin()
  }

  watch(
    () => route.query,
    () => {
      if (route.path !== own) return
      const found = read()
      if (Object.keys(defaults).every((name) => found[name] === applied[name])) return
      Object.assign(filters, found)
      begin()
    },
  )
  void state.load()

  return {
    filters,
    state,
    rows: computed(() => state.data.value?.items ?? []),
    number: computed(() => cursors.value.length + 1),
    hasNext: computed(() => Boolean(state.data.value?.next)),
    next: () => {
      const cursor = state.data.value?.next
      if (!cursor) return
      cursors.value = [...cursors.value, cursor]
      void state.load()
    },
    previous: () => {
      cursors.value = cursors.value.slice(0, -1)
      void state.load()
    },
    apply,
    reset: () => {
      Object.assign(filters, defaults)
      apply()
    },
    reload: state.load,
  }
}
