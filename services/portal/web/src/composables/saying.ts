/** What was done, in a line that takes the focus: the button that was pressed may be gone, with the row that it was in. */
import { nextTick, ref, type Ref } from 'vue'

export interface Saying {
  said: Ref<string>
  /** The line: `<p v-if="said" ref="saying" role="status" tabindex="-1">`. */
  saying: Ref<HTMLElement | undefined>
  /** Call it when the dialog is closed, which gives the focus back first. */
  say: (text: string) => Promise<void>
}

export function useSaying(): Saying {
  const said = ref('')
  const saying = ref<HTMLElement>()
  return {
    said,
    saying,
    say: async (text) => {
      said.value = text
      await nextTick()
      saying.value?.focus()
    },
  }
}
