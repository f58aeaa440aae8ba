/** A form whose content is looked at once more, and confirmed, before it is sent. */
import { ref, type Ref } from 'vue'
import { useAction, type Action } from './loading'

export interface Preview {
  /** What is to be confirmed is shown, in place of the form. */
  preview: Ref<boolean>
  /** Somebody has confirmed what is shown. */
  sure: Ref<boolean>
  look: () => void
  sending: Action<[]>
}

export function usePreview(send: () => Promise<unknown>): Preview {
  const preview = ref(false)
  const sure = ref(false)
  const sending = useAction(async () => {
    try {
      await send()
    } catch (error) {
      // The fields with their problems are in the form.
      preview.value = false
      throw error
    }
  })
  function look(): void {
    sending.problem.value = null
    sure.value = false
    preview.value = true
  }
  return { preview, sure, look, sending }
}
