import { identity, office, take, taken, type Office } from '@/api/client'

type Schemas = Office['schemas']
export type UnitCard = Schemas['UnitCardOut']
export type UnitPage = Schemas['UnitPageOut']
export type Contact = Schemas['ContactOut']
export type Person = Schemas['PersonOut']
export type GroupLine = Schemas['GroupLine']
export type Group = Schemas['GroupOut']
export type Picked = Schemas['PickedOut']
export type Favourite = Schemas['FavouriteOut']
export type Scope = Schemas['GroupScope']
export type Format = Schemas['ExportFormat']
export type ExportJob = Schemas['ExportOut']

/** A unit, or with `sub` a person in it. */
export interface Pick {
  unit_id: string
  sub: string | null
}

export const sameAs = (one: Pick) => (other: Pick): boolean => one.unit_id === other.unit_id && one.sub === other.sub

const unitPath = (id: string) => ({ path: { unit_id: id } })
export const getUnit = (id: string) => take(office.GET('/contacts/units/{unit_id}', { params: unitPath(id) }))
export const listUnits = (id: string, cursor: string | undefined) =>
  take(office.GET('/contacts/units/{unit_id}/children', { params: { ...unitPath(id), query: { limit: 50, cursor } } }))
export const listPeople = (id: string, cursor: string | undefined) =>
  take(office.GET('/contacts/units/{unit_id}/people', { params: { ...unitPath(id), query: { limit: 50, cursor } } }))
export const findPeople = (q: string, unitId: string | undefined, cursor: string | undefined, limit = 50) =>
  take(office.GET('/contacts/people', { params: { query: { q, unit_id: unitId, limit, cursor } } }))
export const getPerson = (sub: string) => take(office.GET('/contacts/people/{sub}', { params: { path: { sub } } }))

/** The complete number, for a reason that Identity records. */
export const revealPhone = async (sub: string, reason: string): Promise<string | null> =>
  (await take(identity.POST('/accounts/{sub}/unmask', { params: { path: { sub } }, body: { reason } }))).phone

export const listFavourites = () => take(office.GET('/contact-favourites'))
export const addFavourite = (pick: Pick) => take(office.POST('/contact-favourites', { body: pick }))
export const removeFavourite = (id: string) => take(office.DELETE('/contact-favourites/{favourite_id}', { params: { path: { favourite_id: id } } }))

const groupPath = (id: string) => ({ path: { group_id: id } })
export const listGroups = () => take(office.GET('/contact-groups'))
export const createGroup = (name: string, scope: Scope, members: Pick[]) => take(office.POST('/contact-groups', { body: { name, scope, members } }))
export const getGroup = (id: string) => take(office.GET('/contact-groups/{group_id}', { params: groupPath(id) }))

const seen = (version: number) => ({ header: { 'If-Match': `"${version}"` } })
export const changeGroup = (group: { id: string; version: number }, name: string, members: readonly Pick[]) =>
  take(
    office.PUT('/contact-groups/{group_id}', {
      params: { ...groupPath(group.id), ...seen(group.version) },
      body: { name, members: members.map(({ unit_id, sub }) => ({ unit_id, sub })) },
    }),
  )
export const deleteGroup = (group: { id: string; version: number }) =>
  taken(office.DELETE('/contact-groups/{group_id}', { params: { ...groupPath(group.id), ...seen(group.version) } }))

export const exportUnit = (unitId: string, below: boolean, format: Format) =>
  take(office.POST('/contacts/exports', { body: { unit_id: unitId, below, format } }))
export const exportGroup = (groupId: string, format: Format) =>
  take(office.POST('/contacts/exports', { body: { group_id: groupId, format, below: false } }))

/** A draft for the units of a group; `key` names this order, so that a repeated one is not a second draft. */
export const draftTo = (groupId: string, key: string) =>
  take(office.POST('/notices', { params: { header: { 'Idempotency-Key': key } }, body: { recipients: { reach: 'picked', groups: [groupId] } } }))
