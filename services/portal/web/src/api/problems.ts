/** Errors of calls (RFC 9457), with the Chinese text of the service. */
import { texts } from '@/texts'

export interface FieldError {
  pointer?: string | null
  parameter?: string | null
  detail: string
}

export interface Changed {
  version: number
  by: string | null
  name: string | null
  at: string | null
}

interface Body {
  title?: string
  detail?: string
  code?: string
  correlation_id?: string | null
  errors?: FieldError[] | null
  changed?: Changed | null
  login?: string
}

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly changed: Changed | null = null,
    /** Quoted to the help desk: it finds the call in the logs of all services. */
    readonly correlationId: string | null = null,
    /** Where the browser goes to sign in more strongly. */
    readonly login: string | null = null,
  ) {
    super(detail)
  }

  /** The connection was lost, or the portal does not answer. */
  static offline(): ApiProblem {
    return new ApiProblem(0, 'offline', texts.problems.offlineTitle, texts.problems.offline)
  }

  /** Returns the problem of an answer that is no success; `body` is its content, parsed. */
  static of(response: Response, body: unknown): ApiProblem {
    const known: Body = typeof body === 'object' && body !== null ? body : {}
    return new ApiProblem(
      response.status,
      known.code ?? 'unknown',
      known.title ?? texts.problems.title,
      known.detail ?? texts.problems.unknown,
      known.errors ?? [],
      known.changed ?? null,
      known.correlation_id ?? response.headers.get('x-correlation-id'),
      known.login ?? null,
    )
  }

  /** Whether the same call may succeed in a while. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }

  /** The text for the field at this JSON Pointer, or below it. */
  at(pointer: string): string | undefined {
    return this.errors.find((one) => one.pointer === pointer || one.pointer?.startsWith(`${pointer}/`))?.detail
  }
}

/** Reads the problem of an answer that openapi-fetch has not read. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  return ApiProblem.of(response, await response.json().catch(() => null))
}

/** Returns anything that was thrown as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, 'unknown', texts.problems.title, texts.problems.unknown)
}
