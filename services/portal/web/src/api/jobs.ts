/** Durable jobs of the services as `JobProgress` shows them, and the exports that each service has. */
import { cockpit, identity, office, take, type Cockpit, type Identity, type Office } from './client'
import { save } from './files'

export interface JobState {
  status: 'running' | 'done' | 'failed' | 'cancelled'
  /** What was worked off; null before it begins. */
  done?: number | null
  /** Null: nobody knows. */
  total?: number | null
  /** What it is doing, or why it failed, in the words of the service. */
  message?: string | null
  /** Goes on only after somebody who runs the system has looked. */
  stalled?: boolean
  /** Bytes and rows of the file. */
  size?: number | null
  rows?: number | null
}

/** Where a job is found; without `cancel` or `download` there is no such button. */
export interface JobSource {
  load: () => Promise<JobState>
  cancel?: () => Promise<unknown>
  download?: () => Promise<void>
}

const path = (id: string) => ({ params: { path: { export_id: id } } })

/** An export of Office. */
export const officeExport = ({ id, name }: Office['schemas']['ExportOut']): JobSource => ({
  load: () => take(office.GET('/exports/{export_id}', path(id))),
  cancel: () => take(office.POST('/exports/{export_id}/cancel', path(id))),
  download: () => save(office.GET('/exports/{export_id}/file', { ...path(id), parseAs: 'blob' }), name),
})

/** An export of Cockpit. */
export const cockpitExport = ({ id, name }: Cockpit['schemas']['ExportOut']): JobSource => ({
  load: async () => {
    const found = await take(cockpit.GET('/exports/{export_id}', path(id)))
    return { ...found, total: found.lines, message: found.error ?? found.message }
  },
  cancel: () => take(cockpit.POST('/exports/{export_id}/cancel', path(id))),
  download: () => save(cockpit.GET('/exports/{export_id}/file', { ...path(id), parseAs: 'blob' }), name),
})

/** An export of units of Identity. */
export const unitExport = ({ id }: Identity['schemas']['UnitExportOut'], name: string): JobSource => ({
  load: async () => {
    const found = await take(identity.GET('/unit-exports/{export_id}', path(id)))
    return { ...found.progress, status: found.status, size: found.file_size, rows: found.total }
  },
  cancel: () => take(identity.POST('/unit-exports/{export_id}/cancel', path(id))),
  download: () => save(identity.GET('/unit-exports/{export_id}/file', { ...path(id), parseAs: 'blob' }), name),
})
