/** What was done, in a line that takes the focus: the button that was pressed may be gone, with the row that it was in. */
import { nextTick, ref, useTemplateRef, type Ref } from 'vue'

export interface Saying {
  /** For `<p v-if="said" ref="saying" role="status" tabindex="-1">`. */
  said: Ref<string>
  /** Call it when the dialog is closed, which gives the focus back first. */
  say: (text: string) => Promise<void>
}

export function useSaying(): Saying {
  const said = ref('')
  const line = useTemplateRef<HTMLElement>('saying')
  return {
    said,
    say: async (text) => {
      said.value = text
      await nextTick()
      line.value?.focus()
    },
  }
}
