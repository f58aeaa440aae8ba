import { office, take, type Office } from '@/api/client'

export type Task = Office['schemas']['TaskOut']
export type View = Office['schemas']['View']
export type Sort = Office['schemas']['Sort']
export type Urgency = Office['schemas']['Urgency']

export interface Wanted {
  view: string
  sort: string
  urgency: string
  kind: string
  q: string
}

export const listTasks = (wanted: Wanted, cursor: string | undefined) =>
  take(
    office.GET('/tasks', {
      params: {
        query: {
          view: wanted.view as View,
          sort: wanted.sort as Sort,
          kind: wanted.kind ? [wanted.kind] : undefined,
          urgency: wanted.urgency ? [wanted.urgency as Urgency] : undefined,
          q: wanted.q.trim() || undefined,
          limit: 20,
          cursor,
        },
      },
    }),
  )

const path = (id: string) => ({ params: { path: { task_id: id } } })
export const takeTask = (id: string) => take(office.POST('/tasks/{task_id}/take', path(id)))
export const releaseTask = (id: string, note: string) => take(office.POST('/tasks/{task_id}/release', { ...path(id), body: { note: note || null } }))
export const finishTask = (id: string) => take(office.POST('/tasks/{task_id}/done', path(id)))
