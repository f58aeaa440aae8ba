/** Sends a file in parts, and goes on from where the service has it after an interruption. */
import { asProblem } from '@/api/problems'
import type { Upload } from '../api'

/** The service takes parts of at most 8 MiB; smaller ones show the progress sooner on slow lines. */
export const PART = 2 * 1024 * 1024
const ATTEMPTS = 8
const FIRST_WAIT = 1000
const LONGEST_WAIT = 30_000

export interface Sender {
  append: (id: string, offset: number, part: Blob) => Promise<Upload>
  get: (id: string) => Promise<Upload>
  wait?: (milliseconds: number) => Promise<void>
}

/**
 * Sends `file` from `upload.received` on. `told` hears of each part, and of interruptions. Throws `ApiProblem` when
 * the service refuses, or does not answer for minutes; what it has stays there.
 */
export async function send(file: Blob, upload: Upload, sender: Sender, told: (received: number, interrupted: boolean) => void): Promise<Upload> {
  const wait = sender.wait ?? ((milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)))
  let current = upload
  let failures = 0
  told(current.received, false)
  while (current.status === 'receiving' && current.received < file.size) {
    try {
      current = failures ? await sender.get(current.id) : await sender.append(current.id, current.received, file.slice(current.received, current.received + PART))
      failures = 0
      told(current.received, false)
    } catch (error) {
      const problem = asProblem(error)
      // 409: another tab has sent a part, or the answer to one was lost; the service says where it is.
      failures += 1
      if ((!problem.temporary && problem.status !== 409) || failures > ATTEMPTS) throw problem
      told(current.received, true)
      await wait(Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT))
    }
  }
  return current
}
