/** Who keeps the articles: people of the centre whose role allows it. */
import { computed, type ComputedRef } from 'vue'
import { useSession } from '@/session/store'

export function useKeeping(): ComputedRef<boolean> {
  const session = useSession()
  return computed(() => session.may('help.write') && session.me?.acting?.level === 'ministry')
}
