/** What did not succeed after its page or dialog was closed; the frame shows it until it is read. */
import { shallowRef } from 'vue'
import type { ApiProblem } from '@/api/problems'

export const missed = shallowRef<ApiProblem | null>(null)
