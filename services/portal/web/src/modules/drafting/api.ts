import { office, take, taken, type Office } from '@/api/client'
import { save, show } from '@/api/files'
import { ApiProblem } from '@/api/problems'

export type Schemas = Office['schemas']
export type OwnNotice = Schemas['OwnNoticeDetail']
/** What an answer to a change tells: without names of recipients. */
export type Stored = Schemas['OwnNoticeOut']
export type Line = Schemas['OutboxLine']
export type Content = Required<Schemas['DraftIn']>
export type Recipients = Required<Schemas['AddressIn']>
export type Attachment = Schemas['Attachment']
export type Preview = Schemas['PreviewOut']
export type Series = Schemas['SeriesOut']
export type Template = Schemas['TemplateOut']
export type TemplateIn = Required<Schemas['TemplateIn']>
export type Revision = Schemas['RevisionLine']
export type Status = Schemas['NoticeStatus']

const path = (id: string) => ({ params: { path: { notice_id: id } } })
const seen = (id: string, etag: string) => ({ params: { path: { notice_id: id }, header: { 'If-Match': etag } } })
/** The ETag of a version, as Office writes it. */
export const etagOf = (version: number): string => `"${version}"`

export interface Wanted {
  status: string
  q: string
  kind: string
  urgency: string
  year: string
  mine: string
  order: string
}

export const listOutbox = (wanted: Wanted, sub: string | undefined, cursor: string | undefined) =>
  take(
    office.GET('/notices/outbox', {
      params: {
        query: {
          status: wanted.status ? (wanted.status.split(',') as Status[]) : undefined,
          q: wanted.q.trim() || undefined,
          kind: wanted.kind ? [wanted.kind as Schemas['NoticeKind']] : undefined,
          urgency: (wanted.urgency || undefined) as Schemas['Urgency'] | undefined,
          year: wanted.year ? Number(wanted.year) : undefined,
          drafted_by: wanted.mine ? sub : undefined,
          order: wanted.order as Schemas['OutboxOrder'],
          limit: 20,
          cursor,
        },
      },
    }),
  )
export const countOutbox = () => take(office.GET('/notices/outbox/counts'))

export const getOwn = (id: string) => take(office.GET('/notices/outbox/{notice_id}', path(id)))
/** `key` names this order, so that a repeated one after a lost answer is not a second draft. */
export const createDraft = (body: Schemas['DraftIn'], key: string) => take(office.POST('/notices', { params: { header: { 'Idempotency-Key': key } }, body }))
export const saveDraft = (id: string, body: Schemas['DraftIn'], version: number) => take(office.PUT('/notices/{notice_id}', { ...seen(id, etagOf(version)), body }))
export const deleteDraft = (id: string, version: number) => take(office.DELETE('/notices/{notice_id}', seen(id, etagOf(version))))
export const joinEditing = (id: string) => take(office.POST('/notices/{notice_id}/editing', path(id)))
export const leaveEditing = (id: string) => take(office.DELETE('/notices/{notice_id}/editing', path(id)))
export const getHistory = (id: string) => take(office.GET('/notices/{notice_id}/history', path(id)))
export const listRevisions = (id: string) => take(office.GET('/notices/{notice_id}/revisions', path(id)))
const revision = (id: string, version: number) => ({ notice_id: id, version })
export const getRevision = (id: string, version: number) => take(office.GET('/notices/{notice_id}/revisions/{version}', { params: { path: revision(id, version) } }))
export const restoreRevision = (id: string, version: number, now: number) =>
  take(office.POST('/notices/{notice_id}/revisions/{version}/restore', { params: { path: revision(id, version), header: { 'If-Match': etagOf(now) } } }))

/** The form of a draft, or null when it asks for nothing; its version is 0 then. */
export async function getForm(id: string): Promise<{ data: Schemas['FormOut'] | null; etag: string }> {
  try {
    const found = await taken(office.GET('/notices/{notice_id}/form', path(id)))
    return { data: found.data, etag: found.etag ?? etagOf(found.data.version) }
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'no_form') return { data: null, etag: etagOf(0) }
    throw error
  }
}
export const putForm = (id: string, etag: string, fields: Schemas['FormIn']['fields']) => taken(office.PUT('/notices/{notice_id}/form', { ...seen(id, etag), body: { fields } }))
export const deleteForm = (id: string, etag: string) => take(office.DELETE('/notices/{notice_id}/form', seen(id, etag)))

export const submit = (id: string, version: number) => take(office.POST('/notices/{notice_id}/submit', seen(id, etagOf(version))))
export const recall = (id: string) => take(office.POST('/notices/{notice_id}/recall', path(id)))
export const approve = (id: string, version: number, opinion: string) =>
  take(office.POST('/notices/{notice_id}/approve', { ...seen(id, etagOf(version)), body: { opinion: opinion || null } }))
export const sendBack = (id: string, reason: string) => take(office.POST('/notices/{notice_id}/return', { ...path(id), body: { reason } }))
export const publish = (id: string, version: number, publishAt: string | null, key: string) =>
  take(
    office.POST('/notices/{notice_id}/publish', {
      params: { path: { notice_id: id }, header: { 'If-Match': etagOf(version), 'Idempotency-Key': key } },
      body: { publish_at: publishAt },
    }),
  )
export const withdraw = (id: string, reason: string) => take(office.POST('/notices/{notice_id}/withdraw', { ...path(id), body: { reason } }))
export const archive = (id: string) => take(office.POST('/notices/{notice_id}/archive', path(id)))

export const previewRecipients = (recipients: Schemas['AddressIn']) => take(office.POST('/recipients/preview', { body: { recipients } }))
export const previewDeadline = (urgency: Schemas['Urgency'], workdays: number | null, publishAt: string | null) =>
  take(office.GET('/notices/deadline-preview', { params: { query: { urgency, workdays: workdays ?? undefined, publish_at: publishAt ?? undefined } } }))
export const listGroups = () => take(office.GET('/contact-groups'))
export const getUnit = (id: string) => take(office.GET('/units/{unit_id}', { params: { path: { unit_id: id } } }))

export const listSeries = (year?: number) => take(office.GET('/number-series', { params: { query: { year } } }))
export const addSeries = (body: Schemas['SeriesIn']) => take(office.POST('/number-series', { body }))
export const changeSeries = (id: string, version: number, body: Schemas['SeriesChangeIn']) =>
  take(office.PUT('/number-series/{series_id}', { params: { path: { series_id: id }, header: { 'If-Match': etagOf(version) } }, body }))
export const startSeries = (id: string, year: number, first: number) =>
  take(office.PUT('/number-series/{series_id}/years/{year}', { params: { path: { series_id: id, year } }, body: { first } }))

export interface WantedNumbers {
  prefix: string
  year: string
  q: string
  voided: string
}
const numbersQuery = (wanted: WantedNumbers) => ({
  prefix: wanted.prefix || undefined,
  year: wanted.year ? Number(wanted.year) : undefined,
  q: wanted.q.trim() || undefined,
  voided: wanted.voided ? wanted.voided === 'true' : undefined,
})
export const listNumbers = (wanted: WantedNumbers, cursor: string | undefined) =>
  take(office.GET('/document-numbers', { params: { query: { ...numbersQuery(wanted), limit: 20, cursor } } }))
export const exportNumbers = (wanted: WantedNumbers, name: string) => save(office.GET('/document-numbers/export', { params: { query: numbersQuery(wanted) }, parseAs: 'blob' }), name)

export interface WantedTemplates {
  q: string
  kind: string
  own: string
}
export const listTemplates = (wanted: WantedTemplates, cursor?: string, limit = 20) =>
  take(
    office.GET('/notice-templates', {
      params: {
        query: { q: wanted.q.trim() || undefined, kind: (wanted.kind || undefined) as Schemas['NoticeKind'] | undefined, own: wanted.own ? wanted.own === 'true' : undefined, limit, cursor },
      },
    }),
  )
const template = (id: string) => ({ params: { path: { template_id: id } } })
export const getTemplate = (id: string) => take(office.GET('/notice-templates/{template_id}', template(id)))
export const fillTemplate = (id: string, values: Record<string, string>) => take(office.POST('/notice-templates/{template_id}/fill', { ...template(id), body: { values } }))
export const createTemplate = (body: Schemas['TemplateIn']) => take(office.POST('/notice-templates', { body }))
export const changeTemplate = (id: string, version: number, body: Schemas['TemplateIn']) =>
  take(office.PUT('/notice-templates/{template_id}', { params: { path: { template_id: id }, header: { 'If-Match': etagOf(version) } }, body }))
export const retireTemplate = (id: string) => take(office.DELETE('/notice-templates/{template_id}', template(id)))

/** Fetches a file with the header that a link cannot send. */
export const showPdf = (id: string) => show(office.GET('/notices/{notice_id}/pdf', { ...path(id), parseAs: 'blob' }))
export const saveFile = (id: string, name: string) => save(office.GET('/files/{file_id}/content', { params: { path: { file_id: id } }, parseAs: 'blob' }), name)
