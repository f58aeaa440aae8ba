/** The text of a `NoteField` in a dialog, which is kept until it has arrived. */
import { useTemplateRef } from 'vue'

interface KeptText {
  forget: () => void
}

export interface Kept {
  /**
   * Sends what is typed; then it is not kept any more. Meanwhile somebody may close the dialog, and the field with it: without this, the
   * text would be there again the next time.
   */
  sent: <T>(call: () => Promise<T>) => Promise<T>
}

/** For the field that is on the screen: `<NoteField ref="kept">`. */
export function useKept(): Kept {
  const kept = useTemplateRef<KeptText>('kept')
  return {
    sent: async (call) => {
      const typed = kept.value
      const answer = await call()
      typed?.forget()
      return answer
    },
  }
}
