import { office, take, type Office } from '@/api/client'
import { officeExport, type JobSource } from '@/api/jobs'

type Schemas = Office['schemas']
export type Line = Schemas['CollectedLineOut']
export type Summary = Schemas['SummaryOut']
export type FieldTotal = Schemas['FieldTotalOut']

export interface Wanted {
  which: string
  q: string
  under: string
  group: string
}

const path = (id: string) => ({ notice_id: id })
const part = (wanted: Pick<Wanted, 'under' | 'group'>) => ({ under: wanted.under || undefined, group: wanted.group || undefined })

export const getNotice = (id: string) => take(office.GET('/notices/{notice_id}', { params: { path: path(id) } }))
export const listAnswers = (id: string, wanted: Wanted, cursor: string | undefined) =>
  take(
    office.GET('/notices/{notice_id}/answers', {
      params: { path: path(id), query: { ...part(wanted), which: wanted.which as Schemas['Which'], q: wanted.q.trim() || undefined, limit: 20, cursor } },
    }),
  )
export const getSummary = (id: string, wanted: Pick<Wanted, 'under' | 'group'>) =>
  take(office.GET('/notices/{notice_id}/answers/summary', { params: { path: path(id), query: part(wanted) } }))
export const listRevisions = (id: string, unitId: string) =>
  take(office.GET('/notices/{notice_id}/answer/revisions', { params: { path: path(id), query: { unit_id: unitId } } }))
export const reopen = (id: string, unitId: string, note: string) =>
  take(office.POST('/notices/{notice_id}/answers/{unit_id}/reopen', { params: { path: { ...path(id), unit_id: unitId } }, body: { note } }))
export const setLocked = (id: string, locked: boolean) =>
  locked ? take(office.POST('/notices/{notice_id}/form/lock', { params: { path: path(id) } })) : take(office.POST('/notices/{notice_id}/form/unlock', { params: { path: path(id) } }))
export const listGroups = () => take(office.GET('/contact-groups'))

type Order = Promise<{ name: string; source: JobSource }>
export async function exportAnswers(id: string, wanted: Pick<Wanted, 'under' | 'group'>): Order {
  const order = await take(office.POST('/notices/{notice_id}/answers/export', { params: { path: path(id), query: part(wanted) } }))
  return { name: order.name, source: officeExport(order) }
}
export async function exportFiles(id: string, wanted: Pick<Wanted, 'under' | 'group'>): Order {
  const order = await take(office.POST('/notices/{notice_id}/answers/export-files', { params: { path: path(id), query: part(wanted) } }))
  return { name: order.name, source: officeExport(order) }
}
