/** What a page asks to confirm is in its address: after a stronger sign-in the same question is there again. */
import { watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface Asking {
  ask: (act: string) => Promise<unknown>
  /** Closes the question. */
  settle: () => Promise<unknown>
}

/** Opens the question `?do=` names as soon as the page is `ready`; `open` has the questions that this page knows. */
export function useAsking(asked: Ref<unknown>, open: Record<string, () => void>, ready: () => boolean): Asking {
  const route = useRoute()
  const router = useRouter()
  const own = route.path
  watch(
    [() => route.query.do, ready],
    ([act]) => {
      if (route.path !== own || !ready() || asked.value) return
      if (typeof act === 'string') open[act]?.()
    },
    { immediate: true },
  )
  const go = (act: string | undefined): Promise<unknown> => {
    const rest = Object.fromEntries(Object.entries(route.query).filter(([name]) => name !== 'do'))
    return router.replace({ query: act ? { ...rest, do: act } : rest })
  }
  return {
    ask: (act) => go(act),
    settle: async () => {
      await go(undefined)
      asked.value = null
    },
  }
}
