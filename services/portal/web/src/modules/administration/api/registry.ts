/** Clients and the audit log. */
import { identity, take, taken } from '@/api/client'
import { save } from '@/api/files'
import type { JobSource, JobState } from '@/api/jobs'
import { fromLocal } from '@/texts/format'
import type { Schemas } from './index'

export type Client = Schemas['ClientOut']
export type Registration = Schemas['ClientIn']
export type AuditRecord = Schemas['AuditRecordOut']

const LIMIT = 20
const ofClient = (id: string) => ({ params: { path: { client_id: id } } })
const seenClient = (id: string, etag: string | null) => ({ params: { path: { client_id: id }, header: { 'If-Match': etag } } })

export const listClients = (wanted: { q: string; status: string; proposed: string; sort: string }, cursor?: string) =>
  take(
    identity.GET('/clients', {
      params: { query: { q: wanted.q.trim() || undefined, status: (wanted.status || undefined) as Schemas['ClientStatus'] | undefined, proposed: wanted.proposed === '' ? undefined : wanted.proposed === 'true', sort: wanted.sort as Schemas['ClientSort'], limit: LIMIT, cursor } },
    }),
  )
export const getClient = (id: string) => taken(identity.GET('/clients/{client_id}', ofClient(id)))
export const register = (body: Schemas['ClientCreate']) => take(identity.POST('/clients', { body }))
export const editClient = (id: string, etag: string | null, body: Registration) => take(identity.PUT('/clients/{client_id}', { ...seenClient(id, etag), body }))
export const rotate = (id: string) => take(identity.POST('/clients/{client_id}/secrets', ofClient(id)))
export const dropSecret = (id: string, secret: string) => take(identity.DELETE('/clients/{client_id}/secrets/{secret}', { params: { path: { client_id: id, secret } } }))
export const disableClient = (id: string, reason: string) => take(identity.POST('/clients/{client_id}/disable', { ...ofClient(id), body: { reason } }))
export const approveChange = (id: string, etag: string | null) => take(identity.POST('/clients/{client_id}/proposed/approve', seenClient(id, etag)))
export const rejectChange = (id: string, etag: string | null, reason: string) => take(identity.POST('/clients/{client_id}/proposed/reject', { ...seenClient(id, etag), body: { reason } }))
export const removeClient = (id: string, etag: string | null) => take(identity.DELETE('/clients/{client_id}', seenClient(id, etag)))
export const enableClient = (id: string) => take(identity.POST('/clients/{client_id}/enable', ofClient(id)))

export interface Searched {
  since: string
  until: string
  action: string
  actor: string
  target: string
  correlation: string
  sort: string
}

const given = (wanted: Searched) => ({
  actor: wanted.actor.trim() || undefined,
  action: wanted.action.trim() || undefined,
  target: wanted.target.trim() || undefined,
  correlation_id: wanted.correlation.trim() || undefined,
})

export const searchAudit = (wanted: Searched, cursor?: string) =>
  take(
    identity.GET('/audit', {
      params: { query: { ...given(wanted), since: fromLocal(wanted.since) ?? undefined, until: fromLocal(wanted.until) ?? undefined, sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } },
    }),
  )
export const exportAudit = (wanted: Searched, reason: string) =>
  take(identity.POST('/audit/exports', { body: { ...given(wanted), since: fromLocal(wanted.since) ?? '', until: fromLocal(wanted.until) ?? '', reason } }))
export const listAuditExports = (cursor?: string) => take(identity.GET('/audit/exports', { params: { query: { limit: LIMIT, cursor } } }))
export const listSeals = (cursor?: string) => take(identity.GET('/audit/seals', { params: { query: { limit: LIMIT, cursor } } }))

const ofExport = (id: string) => ({ params: { path: { export_id: id } } })
const exportStates: Record<string, JobState['status']> = { succeeded: 'done', dead: 'failed', cancelled: 'cancelled' }
export const auditExport = (id: string, name: string): JobSource => ({
  load: async () => {
    const found = await take(identity.GET('/audit/exports/{export_id}', ofExport(id)))
    return { status: exportStates[found.state] ?? 'running', message: found.message, size: found.size, rows: found.rows }
  },
  download: () => save(identity.GET('/audit/exports/{export_id}/file', { ...ofExport(id), parseAs: 'blob' }), name),
})
