import { cockpit, take, type Cockpit } from '@/api/client'
import { save } from '@/api/files'
import type { JobSource, JobState } from '@/api/jobs'

export type Schemas = Cockpit['schemas']
export type Batch = Schemas['BatchOut']
export type Upload = Schemas['UploadOut']
export type Feed = Schemas['FeedOut']
export type Checked = Schemas['cockpit__intake__schemas__CheckOut']

const LIMIT = 20
type FeedName = Schemas['FeedName']

/** The media types that the service takes, from the name: browsers know few of them. */
const TYPES: Record<string, string> = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  jsonl: 'application/x-ndjson',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
  zip: 'application/zip',
}
export const ACCEPTED = Object.keys(TYPES).map((one) => `.${one}`).join(',')
export const mediaType = (name: string): string => TYPES[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'

/** The file, or a part of it, is the body; the generated type says `string` for any binary. */
const content = (part: Blob, type: string) => ({ body: part as unknown as string, bodySerializer: (body: unknown) => body as BodyInit, headers: { 'content-type': type } })

export const listFeeds = () => take(cockpit.GET('/feeds'))
export const feedTemplate = (feed: FeedName, name: string, format: 'csv' | 'xlsx') =>
  save(format === 'csv' ? cockpit.GET('/feeds/{feed}/template.csv', { params: { path: { feed } }, parseAs: 'blob' }) : cockpit.GET('/feeds/{feed}/template.xlsx', { params: { path: { feed } }, parseAs: 'blob' }), `${name}.${format}`)

export const listBatches = (wanted: { unit: string; feed: string; status: string; q: string; number: string }, cursor?: string) =>
  take(
    cockpit.GET('/intake/batches', {
      params: {
        query: {
          unit: wanted.unit || undefined,
          feed: (wanted.feed || undefined) as FeedName | undefined,
          status: (wanted.status || undefined) as Schemas['BatchStatus'] | undefined,
          q: wanted.q.trim() || undefined,
          batch_id: wanted.number.trim() || undefined,
          limit: LIMIT,
          cursor,
        },
      },
    }),
  )
const ofBatch = (id: string) => ({ params: { path: { batch_id: id } } })
export const getBatch = (id: string) => take(cockpit.GET('/intake/batches/{batch_id}', ofBatch(id)))
export const quarantine = (id: string, name: string) => save(cockpit.GET('/intake/batches/{batch_id}/quarantine.csv', { ...ofBatch(id), parseAs: 'blob' }), name)
export const reverse = (id: string) => take(cockpit.POST('/intake/batches/{batch_id}/reverse', ofBatch(id)))
export const inconsistentRows = (id: string, check: string, cursor?: string) =>
  take(cockpit.GET('/intake/batches/{batch_id}/inconsistencies', { params: { path: { batch_id: id }, query: { check, limit: LIMIT, cursor } } }))

const counted = (wanted: { year: string; unit: string; feed: string }) => ({
  year: Number(wanted.year),
  unit: wanted.unit || undefined,
  feed: (wanted.feed || undefined) as FeedName | undefined,
})
export const listInconsistencies = (wanted: { year: string; unit: string; feed: string }, cursor?: string) =>
  take(cockpit.GET('/intake/inconsistencies', { params: { query: { ...counted(wanted), limit: LIMIT, cursor } } }))
export const exportInconsistencies = (wanted: { year: string; unit: string; feed: string }, name: string) =>
  save(cockpit.GET('/intake/inconsistencies.csv', { params: { query: counted(wanted) }, parseAs: 'blob' }), name)

// --- uploading ---

export interface Wanted {
  feed: string
  source: string
  mode: string
  unit: string | null
  resubmits: string | null
}

export const checkFile = (file: File, wanted: Wanted) =>
  take(
    cockpit.POST('/intake/checks', {
      params: { query: { feed: wanted.feed as FeedName, source: wanted.source.trim() || undefined, unit: wanted.unit ?? undefined, mode: wanted.mode as Schemas['BatchMode'] } },
      ...content(file, mediaType(file.name)),
    }),
  )

const ofUpload = (id: string) => ({ path: { upload_id: id } })
export const beginUpload = (file: File, wanted: Wanted, number: string) =>
  take(
    cockpit.POST('/intake/uploads', {
      body: {
        feed: wanted.feed as FeedName,
        source: wanted.source.trim(),
        mode: wanted.mode as Schemas['BatchMode'],
        unit: wanted.unit,
        resubmits: wanted.resubmits,
        batch_id: number,
        content_type: mediaType(file.name),
        size_bytes: file.size,
      },
    }),
  )
export const getUpload = (id: string) => take(cockpit.GET('/intake/uploads/{upload_id}', { params: ofUpload(id) }))
export const append = (id: string, offset: number, part: Blob) =>
  take(cockpit.PATCH('/intake/uploads/{upload_id}', { params: { ...ofUpload(id), header: { 'Upload-Offset': offset } }, ...content(part, 'application/octet-stream') }))
export const cancelUpload = (id: string) => take(cockpit.POST('/intake/uploads/{upload_id}/cancel', { params: ofUpload(id) }))
export const listUploads = () => take(cockpit.GET('/intake/uploads', { params: { query: { limit: LIMIT } } }))

const states: Record<string, JobState['status']> = { receiving: 'running', loading: 'running', done: 'done', failed: 'failed', cancelled: 'cancelled' }
/** The check and the loading after all parts have come. */
export const loadingJob = (id: string, found: (upload: Upload) => void): JobSource => ({
  load: async () => {
    const upload = await getUpload(id)
    found(upload)
    return { status: states[upload.status] ?? 'running', done: upload.rows, total: null, message: upload.reason ?? upload.message, rows: upload.rows }
  },
  cancel: () => cancelUpload(id),
})
