/** Who keeps the articles. Nobody does it in these pages yet: they need the editor of rich text. */
import { computed, type ComputedRef } from 'vue'

export const useKeeping = (): ComputedRef<boolean> => computed(() => false)
