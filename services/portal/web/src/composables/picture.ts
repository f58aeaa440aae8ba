/** A drawing from a service as a picture: a blob, because the policy allows no data: addresses. */
import { onScopeDispose, ref, watch, type Ref } from 'vue'

/** The address of the picture of an SVG document; empty without one. */
export function usePicture(svg: () => string | null | undefined): Ref<string> {
  const address = ref('')
  const forget = (): void => {
    if (address.value) URL.revokeObjectURL(address.value)
  }
  watch(
    svg,
    (drawn) => {
      forget()
      address.value = drawn ? URL.createObjectURL(new Blob([drawn], { type: 'image/svg+xml' })) : ''
    },
    { immediate: true },
  )
  onScopeDispose(forget)
  return address
}
