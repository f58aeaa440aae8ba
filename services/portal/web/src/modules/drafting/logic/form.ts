/** What the form of a draft holds, and what Office gets of it. Pure functions. */
import type { PickedUnit } from '@/components/UnitTreePicker.vue'
import { fromLocal, toLocal } from '@/texts/format'
import type { OwnNotice, Schemas } from '../api'

export type Due = 'urgency' | 'workdays' | 'date'

export interface Form {
  kind: Schemas['NoticeKind']
  urgency: Schemas['Urgency']
  /** 无, or a class, with which nothing is sent. */
  secrecy: string
  number_prefix: string
  title: string
  salutation: string
  body: string
  attachments: { name: string; note: string; file_id: string | null }[]
  copies: string
  remark: string
  printing_office: string
  due: Due
  /** Beijing time, as an `<input type="datetime-local">` has it. */
  deadline: string
  workdays: number
  supersedes_id: string | null
  reach: Schemas['Reach']
  levels: string[]
  kinds: string[]
  stages: string[]
  onward: boolean
  units: PickedUnit[]
  groups: string[]
}

export const UNCLASSIFIED = '\u65e0'
export const MAX_ATTACHMENTS = 50
const WORKDAYS = 5

export const emptyForm = (): Form => ({
  kind: 'notice', urgency: 'normal', secrecy: UNCLASSIFIED, number_prefix: '', title: '', salutation: '', body: '', attachments: [], copies: '',
  remark: '', printing_office: '', due: 'urgency', deadline: '', workdays: WORKDAYS, supersedes_id: null, reach: 'children', levels: [],
  kinds: [], stages: [], onward: true, units: [], groups: [],
})

/** The form for a stored notice. */
export function formOf(own: OwnNotice): Form {
  return {
    kind: own.kind,
    urgency: own.urgency,
    secrecy: UNCLASSIFIED,
    number_prefix: own.number_prefix ?? '',
    title: own.title,
    salutation: own.salutation ?? '',
    body: own.body,
    attachments: own.attachments.map((one) => ({ name: one.name, note: one.note ?? '', file_id: one.file_id ?? null })),
    copies: own.copies ?? '',
    remark: own.remark ?? '',
    printing_office: own.printing_office ?? '',
    // A draft's deadline is one that was given: that of workdays is computed when it is published.
    due: own.deadline_workdays ? 'workdays' : own.deadline ? 'date' : 'urgency',
    deadline: own.deadline_workdays ? '' : toLocal(own.deadline),
    workdays: own.deadline_workdays ?? WORKDAYS,
    supersedes_id: own.supersedes_id,
    reach: own.recipients.reach,
    levels: [...own.recipients.levels],
    kinds: [...own.recipients.kinds],
    stages: [...own.recipients.stages],
    onward: own.recipients.onward,
    units: own.recipient_units.map(({ id, name }) => ({ id, name })),
    groups: [...own.recipients.groups],
  }
}

const text = (value: string): string | null => value.trim() || null

export function recipientsOf(form: Form): Schemas['AddressIn'] {
  const picked = form.reach === 'picked'
  return {
    reach: form.reach,
    levels: picked ? [] : (form.levels as Schemas['Level'][]),
    kinds: picked ? [] : (form.kinds as Schemas['Kind'][]),
    stages: picked ? [] : (form.stages as Schemas['Stage'][]),
    onward: form.reach !== 'subtree' && form.onward,
    units: picked ? form.units.map((one) => one.id) : [],
    groups: picked ? form.groups : [],
  }
}

/** Whether the address can be asked about: the picked units may not have been picked yet. */
export const isAddressed = (form: Form): boolean => form.reach !== 'picked' || form.units.length + form.groups.length > 0

/** What Office stores. Without anybody picked yet, the draft says the units directly below. */
export function bodyOf(form: Form): Schemas['DraftIn'] {
  return {
    kind: form.kind,
    urgency: form.urgency,
    secrecy: form.secrecy,
    number_prefix: text(form.number_prefix),
    title: form.title.trim(),
    body: form.body,
    salutation: text(form.salutation),
    copies: text(form.copies),
    attachments: form.attachments.filter((one) => one.name.trim()).map((one) => ({ name: one.name.trim(), note: text(one.note), file_id: one.file_id })),
    remark: text(form.remark),
    printing_office: text(form.printing_office),
    deadline: form.due === 'date' ? fromLocal(form.deadline) : null,
    deadline_workdays: form.due === 'workdays' && form.workdays >= 1 ? form.workdays : null,
    supersedes_id: form.supersedes_id,
    recipients: isAddressed(form) ? recipientsOf(form) : { reach: 'children' },
  }
}

const words = (html: string): string => html.replace(/<[^<>]*>|&nbsp;/g, '').replace(/\s+/g, '')

/**
 * Whether two contents say the same, though Office has cleaned the HTML of one of them. Tells that a save whose
 * answer was lost has arrived.
 */
export function sameContent(one: Schemas['DraftIn'], other: Schemas['DraftIn']): boolean {
  const bare = (content: Schemas['DraftIn']) => JSON.stringify({ ...content, body: words(content.body ?? '') })
  return bare(one) === bare(other)
}
