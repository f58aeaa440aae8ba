/** Sends a file with progress, which `fetch` does not tell. */
import { attended, UNATTENDED } from './attendance'
import { CSRF, onCall, onProblem, type Office } from './client'
import { ApiProblem } from './problems'

export type UploadedFile = Office['schemas']['FileOut']

const RENEWALS = 3

interface Options {
  signal: AbortSignal
  progress: (sent: number, of: number) => void
}

function once(file: File, { signal, progress }: Options): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/api/office/v1/files?file_name=${encodeURIComponent(file.name)}`)
    for (const [name, value] of Object.entries(CSRF)) request.setRequestHeader(name, value)
    if (!attended()) request.setRequestHeader(UNATTENDED, '1')
    request.setRequestHeader('content-type', file.type || 'application/octet-stream')
    request.upload.addEventListener('progress', (event) => progress(event.loaded, event.total))
    request.addEventListener('load', () => {
      const named = ['x-correlation-id', 'retry-after'].flatMap((name) => {
        const value = request.getResponseHeader(name)
        return value === null ? [] : [[name, value] as [string, string]]
      })
      resolve(new Response(request.responseText, { status: request.status, headers: named }))
    })
    request.addEventListener('error', () => reject(ApiProblem.offline()))
    request.addEventListener('abort', () => reject(signal.reason as Error))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

/** Uploads a file to Office. Throws `ApiProblem`, or the reason of the signal when it was cancelled. */
export async function uploadFile(file: File, options: Options): Promise<UploadedFile> {
  for (let attempt = 1; ; attempt += 1) {
    options.signal.throwIfAborted()
    const use = attended()
    const answer = await once(file, options)
    if (use) onCall.made()
    const body: unknown = await answer.json().catch(() => null)
    if (answer.ok) return body as UploadedFile
    const problem = ApiProblem.of(answer, body)
    if (problem.code === 'token_renewed' && attempt <= RENEWALS) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get('retry-after') ?? 1)))
      continue
    }
    onProblem.handle(problem)
    throw problem
  }
}
