import { office, take, type Office } from '@/api/client'

type Schemas = Office['schemas']
export type Received = Schemas['ReceivedOut']
export type Notice = Schemas['NoticeOut']
export type Tombstone = Schemas['Tombstone']

export interface Wanted {
  q: string
  kind: string
  signed: string
  read: string
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

/** Fetches a file with the header that a link cannot send, and returns an address for the browser. */
export async function fileAddress(call: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<string> {
  return URL.createObjectURL((await take(call)) as Blob)
}

export const pdf = (id: string) => fileAddress(office.GET('/notices/{notice_id}/pdf', { ...path(id), parseAs: 'blob' }))
export const attachment = (id: string) => fileAddress(office.GET('/files/{file_id}/content', { params: { path: { file_id: id } }, parseAs: 'blob' }))
