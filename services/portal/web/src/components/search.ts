/** Units, people and notices that a person may see, by words. */
import { office, take, type Office } from '@/api/client'

export type FoundUnit = Office['schemas']['ListedUnitOut']
export type FoundPerson = Office['schemas']['ContactOut']
export type FoundNotice = Office['schemas']['ReceivedOut']

/** Fewer characters find no notices. */
export const SHORTEST_FOR_NOTICES = 2

export const searchUnits = (q: string, limit: number, cursor?: string) => take(office.GET('/units', { params: { query: { q, limit, cursor } } }))
export const searchPeople = (q: string, limit: number, cursor?: string) => take(office.GET('/contacts/people', { params: { query: { q, limit, cursor } } }))
export const searchNotices = async (q: string, limit: number, cursor?: string) =>
  [...q].length < SHORTEST_FOR_NOTICES ? null : take(office.GET('/notices/inbox', { params: { query: { q, limit, cursor } } }))

export interface Suggestion {
  of: 'units' | 'people' | 'notices'
  id: string
  label: string
  about: string
  to: string
}

export const unitAddress = (unit: { id: string }): string => `/contacts/units/${unit.id}`
export const personAddress = (person: { sub: string; unit_id: string }): string => `/contacts?unit=${person.unit_id}&person=${person.sub}`
export const noticeAddress = (notice: { id: string }): string => `/notices/${notice.id}`

/** The first of each kind. One kind that could not be asked for does not hide the others; throws if none could. */
export async function suggest(q: string, each: number): Promise<Suggestion[]> {
  const [units, people, notices] = await Promise.allSettled([searchUnits(q, each), searchPeople(q, each), searchNotices(q, each)])
  if (units.status === 'rejected' && people.status === 'rejected' && (notices.status === 'rejected' || !notices.value)) throw units.reason
  const ofUnits = units.status === 'fulfilled' ? units.value.items : []
  const ofPeople = people.status === 'fulfilled' ? people.value.items : []
  const ofNotices = notices.status === 'fulfilled' ? (notices.value?.items ?? []) : []
  return [
    ...ofUnits.map((one) => ({ of: 'units' as const, id: one.id, label: one.name, about: one.ancestors.at(-1)?.name ?? '', to: unitAddress(one) })),
    ...ofPeople.map((one) => ({ of: 'people' as const, id: one.sub + one.unit_id, label: one.name, about: [one.unit_name, ...one.posts].join(' · '), to: personAddress(one) })),
    ...ofNotices.map((one) => ({ of: 'notices' as const, id: one.id, label: one.title, about: one.publisher?.name ?? '', to: noticeAddress(one) })),
  ]
}
