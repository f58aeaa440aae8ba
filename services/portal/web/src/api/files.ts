/** Files of the services: fetched with the header that a link cannot send. */
import { take } from './client'

export type FileCall = Promise<{ data?: unknown; error?: unknown; response: Response }>

/** How long a browser may take to read what it was given. */
const KEPT = 60_000

async function open(call: FileCall, prepare: (link: HTMLAnchorElement) => void): Promise<void> {
  const address = URL.createObjectURL((await take(call)) as Blob)
  const link = document.createElement('a')
  link.href = address
  prepare(link)
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(address), KEPT)
}

/** Saves a file under a name. Throws `ApiProblem`. */
export const save = (call: FileCall, name: string): Promise<void> => open(call, (link) => (link.download = name))

/** Shows a file in a window of its own. Throws `ApiProblem`. */
export const show = (call: FileCall): Promise<void> =>
  open(call, (link) => {
    link.target = '_blank'
    link.rel = 'noopener'
  })
