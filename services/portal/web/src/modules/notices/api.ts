import { office, take, taken, type Office } from '@/api/client'
import { save, show } from '@/api/files'
import type { Values } from '@/components/answers/fields'

type Schemas = Office['schemas']
export type Received = Schemas['ReceivedOut']
export type Notice = Schemas['NoticeOut']
export type Assignment = Schemas['AssignmentOut']
export type Answer = Schemas['AnswerOut']
export type Tombstone = Schemas['Tombstone']

export interface Wanted {
  q: string
  kind: string
  signed: string
  read: string
  answered: string
  overdue: string
  sort: string
}

const flag = (value: string): boolean | undefined => (value === '' ? undefined : value === 'true')

export const listInbox = (wanted: Wanted, cursor: string | undefined) =>
  take(
    office.GET('/notices/inbox', {
      params: {
        query: {
          q: wanted.q.trim() || undefined,
          kind: (wanted.kind || undefined) as Schemas['NoticeKind'] | undefined,
          signed: flag(wanted.signed),
          read: flag(wanted.read),
          answered: flag(wanted.answered),
          overdue: flag(wanted.overdue),
          sort: wanted.sort as Schemas['InboxSort'],
          limit: 20,
          cursor,
        },
      },
    }),
  )

const path = (id: string) => ({ params: { path: { notice_id: id } } })
export const getNotice = (id: string) => take(office.GET('/notices/{notice_id}', path(id)))
export const markRead = (id: string) => take(office.POST('/notices/{notice_id}/read', path(id)))
export const sign = (id: string) => take(office.POST('/notices/{notice_id}/sign', path(id)))
export const previewForwarding = (id: string) => take(office.POST('/notices/{notice_id}/forward/preview', { ...path(id), body: {} }))
/** `key` names this order, so that a repeated one after a lost answer is not a second forwarding. */
export const forward = (id: string, key: string, cover: string, deadline: string | null) =>
  take(
    office.POST('/notices/{notice_id}/forward', {
      params: { path: { notice_id: id }, header: { 'Idempotency-Key': key } },
      body: { cover_text: cover || null, deadline },
    }),
  )

/** A withdrawn notice has no content. */
export const isWithdrawn = (notice: Notice | Tombstone): notice is Tombstone => !('body' in notice)

export const showPdf = (id: string) => show(office.GET('/notices/{notice_id}/pdf', { ...path(id), parseAs: 'blob' }))
export const saveFile = (fileId: string, name: string) => save(office.GET('/files/{file_id}/content', { params: { path: { file_id: fileId } }, parseAs: 'blob' }), name)

/** `key` names each of these orders too. */
const ordered = (id: string, key: string) => ({ params: { path: { notice_id: id }, header: { 'Idempotency-Key': key } } })
export const giveBack = (id: string, key: string, reason: string) => take(office.POST('/notices/{notice_id}/returns', { ...ordered(id, key), body: { reason } }))
export const cancelReturn = (id: string) => take(office.POST('/notices/{notice_id}/returns/cancel', path(id)))
export const assign = (id: string, key: string, body: Schemas['AssignIn']) => take(office.POST('/notices/{notice_id}/assignments', { ...ordered(id, key), body }))
export const listAssignments = (id: string) => take(office.GET('/notices/{notice_id}/assignments', path(id)))
export const finishAssignment = (id: string, result: string) => take(office.POST('/notices/{notice_id}/assignments/finish', { ...path(id), body: { result: result || null } }))
export const cancelAssignment = (id: string) => take(office.POST('/notices/{notice_id}/assignments/cancel', path(id)))

const seen = (id: string, etag: string) => ({ params: { path: { notice_id: id }, header: { 'If-Match': etag } } })
export const getAnswer = (id: string) => taken(office.GET('/notices/{notice_id}/answer', path(id)))
export const saveAnswer = (id: string, etag: string, values: Values) => taken(office.PUT('/notices/{notice_id}/answer', { ...seen(id, etag), body: { values } }))
export const submitAnswer = (id: string, etag: string, values: Values) => taken(office.POST('/notices/{notice_id}/answer/submit', { ...seen(id, etag), body: { values } }))
export const listRevisions = (id: string) => take(office.GET('/notices/{notice_id}/answer/revisions', path(id)))
