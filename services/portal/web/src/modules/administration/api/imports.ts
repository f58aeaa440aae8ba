/** Tables that are checked first and applied after: units, and invites. */
import type { JobSource, JobState } from '@/api/jobs'
import { identity, take, type Identity } from '@/api/client'
import { save } from '@/api/files'
import { ofUnit, type Schemas } from './index'

export type UnitImport = Schemas['UnitImportOut']
export type ImportRow = Schemas['ImportRowOut']
export type InviteBatch = Schemas['InviteBatchOut']
type Result = Identity['schemas']['UnitImportResult']

const LIMIT = 20
const ofImport = (id: string) => ({ params: { path: { import_id: id } } })

/** The media types that the services take, from the name: browsers give none for CSV on some systems. */
export function mediaType(name: string): 'text/csv' | 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' {
  return name.toLowerCase().endsWith('.csv') ? 'text/csv' : 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
}

/** The file itself is the body; the generated type says `string` for any binary. */
const content = (file: File) => ({ body: file as unknown as string, bodySerializer: (body: unknown) => body as BodyInit, headers: { 'content-type': mediaType(file.name) } })

export const listImports = (wanted: { status: string; sort: string }, cursor?: string) =>
  take(
    identity.GET('/unit-imports', {
      params: { query: { status: (wanted.status || undefined) as Schemas['UnitImportStatus'] | undefined, sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } },
    }),
  )
export const uploadUnits = (file: File, given: { reason: string; document: string; effective: string }) =>
  take(
    identity.POST('/unit-imports', {
      params: { query: { file_name: file.name, reason: given.reason.trim(), document_number: given.document.trim() || undefined, effective_on: given.effective || undefined } },
      ...content(file),
    }),
  )
export const template = (name: string) => save(identity.GET('/unit-imports/template', { parseAs: 'blob' }), name)
export const getImport = (id: string) => take(identity.GET('/unit-imports/{import_id}', ofImport(id)))
export const applyImport = (id: string, skipWrong: boolean) => take(identity.POST('/unit-imports/{import_id}/apply', { ...ofImport(id), body: { skip_wrong: skipWrong } }))
export const cancelImport = (id: string) => take(identity.POST('/unit-imports/{import_id}/cancel', ofImport(id)))
export const listRows = (id: string, result: string, cursor?: string) =>
  take(identity.GET('/unit-imports/{import_id}/rows', { params: { path: { import_id: id }, query: { result: (result || undefined) as Result | undefined, limit: LIMIT, cursor } } }))
export const failedRows = (id: string, name: string) => save(identity.GET('/unit-imports/{import_id}/failed-rows', { ...ofImport(id), parseAs: 'blob' }), name)
export const report = (id: string, name: string) => save(identity.GET('/unit-imports/{import_id}/report.csv', { ...ofImport(id), parseAs: 'blob' }), name)

/** Whether a job of the import runs now. */
export const importRuns = (one: { status: string }): boolean => one.status === 'checking' || one.status === 'applying'

const states: Record<string, JobState['status']> = { checking: 'running', applying: 'running', checked: 'done', done: 'done', failed: 'failed', cancelled: 'cancelled' }
/** Follows the check or the application of an import, whichever runs. */
export const importJob = (id: string): JobSource => ({
  load: async () => {
    const found = await getImport(id)
    return { ...found.progress, status: states[found.status] ?? 'running', message: found.problem ?? found.progress?.message }
  },
  cancel: () => cancelImport(id),
})

// --- invites to many people ---

const ofBatch = (id: string) => ({ params: { path: { batch_id: id } } })
export const listBatches = (unit: string, wanted: { status: string; sort: string }, cursor?: string) =>
  take(
    identity.GET('/units/{unit_id}/invite-batches', {
      params: { ...ofUnit(unit), query: { status: (wanted.status || undefined) as Schemas['InviteBatchStatus'] | undefined, sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } },
    }),
  )
export const uploadInvites = (unit: string, file: File) => take(identity.POST('/invite-batches', { params: { query: { unit_id: unit, file_name: file.name } }, ...content(file) }))
export const getBatch = (id: string) => take(identity.GET('/invite-batches/{batch_id}', ofBatch(id)))
export const sendBatch = (id: string) => take(identity.POST('/invite-batches/{batch_id}/send', ofBatch(id)))
export const cancelBatch = (id: string) => take(identity.POST('/invite-batches/{batch_id}/cancel', ofBatch(id)))
export const listInviteRows = (id: string, wanted: { result: string; q: string }, cursor?: string) =>
  take(
    identity.GET('/invite-batches/{batch_id}/rows', {
      params: { path: { batch_id: id }, query: { result: (wanted.result || undefined) as Schemas['InviteResult'] | undefined, q: wanted.q.trim() || undefined, limit: LIMIT, cursor } },
    }),
  )
export const failedInvites = (id: string, name: string) => save(identity.GET('/invite-batches/{batch_id}/failed-rows', { ...ofBatch(id), parseAs: 'blob' }), name)

const batchStates: Record<string, JobState['status']> = { sending: 'running', checked: 'done', paused: 'done', done: 'done', cancelled: 'cancelled' }
export const batchJob = (id: string): JobSource => ({
  load: async () => {
    const found = await getBatch(id)
    return { status: batchStates[found.status] ?? 'running', done: found.sent + found.refused, total: found.total - found.wrong }
  },
  cancel: () => cancelBatch(id),
})
