/** The person's favourites, as the list beside the tree and the cards share them. */
import { computed, shallowRef, type ComputedRef, type Ref } from 'vue'
import { type Action, useAction, useLoading, type Loading } from '@/composables/loading'
import { addFavourite, listFavourites, removeFavourite, sameAs, type Favourite, type Pick } from '../api'

export interface Favourites {
  state: Loading<{ items: Favourite[] }>
  items: ComputedRef<Favourite[]>
  of: (pick: Pick) => Favourite | undefined
  changing: Action<[what: () => Promise<unknown>]>
  add: (pick: Pick) => Promise<boolean>
  drop: (one: Favourite) => Promise<boolean>
  /** What was dropped last, for undoing it. */
  dropped: Ref<Favourite | null>
}

export function useFavourites(): Favourites {
  const state = useLoading(listFavourites)
  const items = computed(() => state.data.value?.items ?? [])
  const dropped = shallowRef<Favourite | null>(null)
  const changing = useAction(async (what: () => Promise<unknown>) => {
    await what()
    await state.load()
  })
  void state.load()
  return {
    state,
    items,
    of: (pick) => items.value.find(sameAs(pick)),
    changing,
    add: (pick) =>
      changing.run(async () => {
        await addFavourite(pick)
        dropped.value = null
      }),
    drop: (one) =>
      changing.run(async () => {
        await removeFavourite(one.id)
        dropped.value = one
      }),
    dropped,
  }
}
