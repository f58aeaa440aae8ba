/**
 * Server-sent events over `fetch`: unlike EventSource it can send the header that proves the page's origin.
 * WHATWG HTML §9.2.6 says how the stream is read.
 */
import { CSRF, onProblem } from './client'
import { problemOf } from './problems'

export interface StreamEvent {
  event: string
  id: string
  data: string
}

/** Splits a stream into events; `feed` takes the pieces as they come. */
export class EventParser {
  private rest = ''
  private event = ''
  private data: string[] = []
  private id = ''

  feed(piece: string): StreamEvent[] {
    const found: StreamEvent[] = []
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (this.data.length) found.push({ event: this.event || 'message', id: this.id, data: this.data.join('\n') })
        this.event = ''
        this.data = []
        continue
      }
      const colon = line.indexOf(':')
      if (colon === 0) continue
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') this.event = value
      else if (field === 'data') this.data.push(value)
      else if (field === 'id') this.id = value
    }
    return found
  }
}

const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000

/**
 * Follows a stream until `stop` is called, and comes back after interruptions with the id of the last event.
 * `connected` says whether changes arrive now. A 401 ends it: somebody has to sign in, and the page says so.
 */
export function follow(
  url: string,
  on: { event: (event: StreamEvent) => void; connected?: (yes: boolean) => void },
): { stop: () => void } {
  const abort = new AbortController()
  let last = ''
  let wait = FIRST_WAIT

  async function once(): Promise<boolean> {
    const headers: Record<string, string> = { accept: 'text/event-stream', ...CSRF }
    if (last) headers['last-event-id'] = last
    const answer = await fetch(url, { headers, signal: abort.signal, cache: 'no-store' })
    if (answer.status === 401 || answer.status === 403) {
      onProblem.handle(await problemOf(answer))
      return false
    }
    if (!answer.ok || !answer.body) return true
    on.connected?.(true)
    wait = FIRST_WAIT
    const parser = new EventParser()
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return true
      for (const event of parser.feed(value)) {
        if (event.id) last = event.id
        on.event(event)
      }
    }
  }

  void (async () => {
    while (!abort.signal.aborted) {
      const again = await once().catch(() => true)
      on.connected?.(false)
      if (!again) return
      // Not all browsers of the country at once after a restart.
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())))
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  })()
  return { stop: () => abort.abort() }
}
