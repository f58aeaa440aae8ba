import { office, take, type Office } from '@/api/client'
import { officeExport, type JobSource } from '@/api/jobs'
import { show } from '@/api/files'

type Schemas = Office['schemas']
export type Report = Schemas['CoverageOut']
export type Child = Schemas['ChildOut']
export type Blocking = Schemas['BlockingOut']
export type Missing = Schemas['MissingOut']
export type Lack = Schemas['Lack']
export type History = Schemas['CoverageHistoryOut']
export type Point = Schemas['PointOut']
export type Changed = Schemas['ChangedUnitOut']
export type Run = Schemas['RunOut']
export type ReturnLine = Schemas['ReturnLineOut']
export type UnitPage = Schemas['UnitPageOut']
export type UnitCoverage = Schemas['UnitCoverageOut']
export type UnitRef = Schemas['UnitRef']

/** A part of the country: a unit with all below it, and of these only a group of the address book. */
export interface Part {
  under: string
  group: string
}

const PAGE = 20
const path = (id: string) => ({ notice_id: id })
const query = (part: Part) => ({ under: part.under || undefined, group: part.group || undefined })

export const getNotice = (id: string) => take(office.GET('/notices/{notice_id}', { params: { path: path(id) } }))
export const getReport = (id: string, part: Part) => take(office.GET('/notices/{notice_id}/coverage', { params: { path: path(id), query: { ...query(part), limit: 1 } } }))
export const getHistory = (id: string, part: Part, by: 'hour' | 'day') =>
  take(office.GET('/notices/{notice_id}/coverage/history', { params: { path: path(id), query: { ...query(part), by } } }))
export const listMissing = (id: string, part: Part, lack: Lack, cursor: string | undefined) =>
  take(office.GET('/notices/{notice_id}/coverage/units', { params: { path: path(id), query: { ...query(part), lack, limit: PAGE, cursor } } }))
export const getUnitCoverage = (id: string, unitId: string) =>
  take(office.GET('/notices/{notice_id}/coverage/units/{unit_id}', { params: { path: { ...path(id), unit_id: unitId } } }))
export const listChanges = (id: string, under: string, cursor: string | undefined) =>
  take(office.GET('/notices/{notice_id}/coverage/changes', { params: { path: path(id), query: { under: under || undefined, limit: PAGE, cursor } } }))

export async function exportCoverage(id: string, part: Part): Promise<{ name: string; source: JobSource }> {
  const order = await take(office.POST('/notices/{notice_id}/coverage/exports', { params: { path: path(id), query: query(part) } }))
  return { name: order.name, source: officeExport(order) }
}

export const listGroups = () => take(office.GET('/contact-groups'))
/** The unit with its superiors and the telephone on which it answers. */
export const getUnit = (unitId: string) => take(office.GET('/contacts/units/{unit_id}', { params: { path: { unit_id: unitId } } }))
export const listPeople = (unitId: string) => take(office.GET('/contacts/units/{unit_id}/people', { params: { path: { unit_id: unitId }, query: { limit: 10 } } }))

export const previewReminders = (id: string, under: string) =>
  take(office.GET('/notices/{notice_id}/reminders/preview', { params: { path: path(id), query: { under: under || undefined } } }))
export const remind = (id: string, under: string, sms: boolean) =>
  take(office.POST('/notices/{notice_id}/reminders', { params: { path: path(id) }, body: { under: under || null, sms } }))
export const listRuns = (id: string, sort: string, cursor: string | undefined) =>
  take(office.GET('/notices/{notice_id}/reminders', { params: { path: path(id), query: { sort: sort as Schemas['AgeSort'], limit: PAGE, cursor } } }))
export const runSource = (id: string, run: Run): JobSource => ({
  load: async () => {
    const found = await take(office.GET('/notices/{notice_id}/reminders/{run_id}', { params: { path: { ...path(id), run_id: run.id } } }))
    return { ...found, status: found.finished_at ? 'done' : 'running' }
  },
})
export const getSchedule = (id: string) => take(office.GET('/notices/{notice_id}/reminder-schedule', { params: { path: path(id) } }))
export const setSchedule = (id: string, offsets: number[], sms: boolean) =>
  take(office.PUT('/notices/{notice_id}/reminder-schedule', { params: { path: path(id) }, body: { offsets, sms } }))

export const listReturns = (id: string, status: string, cursor: string | undefined) =>
  take(office.GET('/notices/returns', { params: { query: { notice_id: id, status: (status || undefined) as Schemas['ReturnStatus'] | undefined, limit: PAGE, cursor } } }))
export const decideReturn = (id: string, unitId: string, confirm: boolean, note: string) =>
  confirm
    ? take(office.POST('/notices/{notice_id}/returns/{unit_id}/confirm', { params: { path: { ...path(id), unit_id: unitId } }, body: { note: note || null } }))
    : take(office.POST('/notices/{notice_id}/returns/{unit_id}/resend', { params: { path: { ...path(id), unit_id: unitId } }, body: { note: note || null } }))

export const signFor = (id: string, unitId: string, reason: string) =>
  take(office.POST('/notices/{notice_id}/units/{unit_id}/sign', { params: { path: { ...path(id), unit_id: unitId } }, body: { reason } }))
export const showPdf = (id: string) => show(office.GET('/notices/{notice_id}/pdf', { params: { path: path(id) }, parseAs: 'blob' }))
