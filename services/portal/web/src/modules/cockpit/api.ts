import { calling, cockpit, CSRF, take, wallCockpit, type Cockpit } from '@/api/client'
import { problemOf } from '@/api/problems'
import type { operations } from '@/api/generated/cockpit'
import type { Asked, ModuleName } from './logic/asked'

type Schemas = Cockpit['schemas']
export type View = Schemas['ViewOut']
export type Figure = Schemas['FigureOut']
export type Column = Schemas['cockpit__query__schemas__ColumnOut']
export type Child = Schemas['ChildOut']
export type Breakdown = Schemas['BreakdownOut']
export type Trend = Schemas['TrendOut']
export type KeyFigure = Schemas['KeyFigureOut']
export type Metric = Schemas['MetricOut']
export type Export = Schemas['ExportOut']
export type Format = Schemas['FileFormat']
export type Wall = Schemas['WallOut']

type Query = NonNullable<operations['getView']['parameters']['query']>

export const getView = (module: ModuleName, asked: Asked): Promise<View> =>
  take(cockpit.GET('/views/{module}', { params: { path: { module }, query: asked as Query } }))

export interface File {
  content: Blob
  name: string
}

/** The name in a `Content-Disposition` (RFC 6266). */
export function nameOf(header: string | null, otherwise: string): string {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header ?? '')?.[1]
  return encoded ? decodeURIComponent(encoded) : otherwise
}

/** Asks for the table of a view as a file: a small one comes at once, a large one is made by a job. */
export async function startExport(module: ModuleName, asked: Asked, format: Format): Promise<File | Export> {
  const table = { kind: 'view' as const, module, ...asked } as Schemas['ViewTable']
  const call = cockpit.POST('/exports', { body: { table, format }, parseAs: 'blob' })
  const content = (await take(call)) as unknown as Blob
  const { response } = await call
  if (response.status === 202) return JSON.parse(await content.text()) as Export
  return { content, name: nameOf(response.headers.get('content-disposition'), `cockpit.${format}`) }
}

export const listMetrics = (module: string, q: string) =>
  take(cockpit.GET('/metrics', { params: { query: { module: (module || undefined) as ModuleName | undefined, q: q.trim() } } }))
export const listComparisons = () => take(cockpit.GET('/metrics/comparisons'))

export interface FeedState {
  name: string
  title: string
  meaning: string
  latest: Schemas['BatchOut'] | undefined
}

/** Each feed with the batch that was counted last. */
export async function listFeedStates(): Promise<FeedState[]> {
  const feeds = await take(cockpit.GET('/feeds'))
  return Promise.all(
    feeds.map(async ({ name, title, meaning }) => {
      const batches = await take(cockpit.GET('/intake/batches', { params: { query: { feed: name, status: 'committed', limit: 1 } } }))
      return { name, title, meaning, latest: batches.items[0] }
    }),
  )
}

export const listWalls = (filters: { ended: string }, cursor: string | undefined) =>
  take(cockpit.GET('/walls', { params: { query: { ended: filters.ended === 'true', limit: 20, cursor } } }))
export const stopWall = (id: string) => take(cockpit.POST('/walls/{wall_id}/stop', { params: { path: { wall_id: id } } }))

/** What this display has to show, as the portal's server says (RFC 8628): a code, or figures. */
export interface WallStatus {
  state: 'none' | 'pending' | 'denied' | 'showing'
  poll_seconds: number | null
  user_code: string | null
  address: string | null
  qr_svg: string | null
}

async function ofWall(method: string): Promise<WallStatus> {
  const answer = await calling(new Request(`${location.origin}/bff/wall`, { method, headers: CSRF, cache: 'no-store' }))
  if (!answer.ok) throw await problemOf(answer)
  return (await answer.json()) as WallStatus
}

export const beginWall = (): Promise<WallStatus> => ofWall('POST')
export const getWall = (): Promise<WallStatus> => ofWall('GET')
export const getWallView = (module: ModuleName): Promise<View> => take(wallCockpit.GET('/views/{module}', { params: { path: { module } } }))
