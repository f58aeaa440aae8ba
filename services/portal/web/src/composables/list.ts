/** A list of a service: filters in the address, pages by cursor, and the states of loading. */
import { reactive, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { usePages, type Page, type Pages } from './pages'

export type Filters = Record<string, string>

export interface List<T, F extends Filters> extends Omit<Pages<Page<T>>, 'begin'> {
  filters: F
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
  const { begin: first, ...pages } = usePages((cursor) => call(applied, cursor))

  function begin(): void {
    applied = { ...filters }
    first()
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
  first()

  return {
    ...pages,
    filters,
    apply,
    reset: () => {
      Object.assign(filters, defaults)
      apply()
    },
    reload: pages.state.load,
  }
}
