import { identity, take, taken, type Identity } from '@/api/client'
import type { Children, TreeUnit } from '@/components/tree'

export type Schemas = Identity['schemas']
export type Unit = Schemas['UnitOut']
export type UnitChange = Schemas['UnitChangeOut']
export type Member = Schemas['MemberOut']
export type Membership = Schemas['MembershipOut']
export type RoleRow = Schemas['RoleOut']

const LIMIT = 20
const flag = (value: string): boolean | undefined => (value === '' ? undefined : value === 'true')
const word = (value: string): string | undefined => value.trim() || undefined
export const ofUnit = (id: string) => ({ path: { unit_id: id } })
const ofPerson = (sub: string) => ({ params: { path: { sub } } })

// --- units ---

export interface Found {
  unit: Unit
  etag: string | null
}

export const getUnit = async (id: string, on?: string): Promise<Found> => {
  const found = await taken(identity.GET('/units/{unit_id}', { params: { ...ofUnit(id), query: { on: on || undefined } } }))
  return { unit: found.data, etag: found.etag }
}
/** The code of the centre, at the top of the tree (GB/T 2260: the country). */
const CENTRE = '100000'
/** Where the tree begins that somebody sees: the own unit; for administrators of the platform, who have none, the centre. */
export const getRoot = async (own: string | null, on?: string): Promise<Unit> => {
  const id = own ?? (await take(identity.GET('/units/by-code/{code}', { params: { path: { code: CENTRE } } }))).id
  return (await getUnit(id, on)).unit
}
export const ancestors = (id: string, on?: string) =>
  take(identity.GET('/units/{unit_id}/ancestors', { params: { ...ofUnit(id), query: { on: on || undefined } } }))

export const treeUnit = (unit: Unit): TreeUnit => ({ id: unit.id, name: unit.name, code: unit.code, level: unit.level, children: unit.level === 'department' ? 0 : null, above: [] })

/** The branch of a tree, today's or that of an earlier day. */
export const childrenOn = (on: string) => async (id: string, cursor?: string): Promise<Children> => {
  const page = await take(
    identity.GET('/units/{unit_id}/children', { params: { ...ofUnit(id), query: { on: on || undefined, limit: 50, cursor } } }),
  )
  return { items: page.items.map(treeUnit), next: page.next ?? null }
}

export const searchUnits = (q: string, within?: string) => take(identity.GET('/search/units', { params: { query: { q, within, limit: 20 } } }))
export const firstChildren = (id: string) => take(identity.GET('/units/{unit_id}/children', { params: { ...ofUnit(id), query: { limit: 100 } } }))

export const listBelow = (id: string, on: string, wanted: { level: string; kind: string; status: string }, cursor?: string, limit = LIMIT) =>
  take(
    identity.GET('/units/{unit_id}/subtree', {
      params: {
        ...ofUnit(id),
        query: {
          on: on || undefined,
          level: (wanted.level || undefined) as Schemas['Level'] | undefined,
          kind: (wanted.kind || undefined) as Schemas['Kind'] | undefined,
          status: (wanted.status || undefined) as Schemas['UnitStatus'] | undefined,
          limit,
          cursor,
        },
      },
    }),
  )

/** A file of the units below, of the same filters as the list. */
export const exportUnits = (id: string, wanted: { level: string; kind: string; status: string }) =>
  take(
    identity.POST('/unit-exports', {
      body: {
        unit_id: id,
        levels: wanted.level ? [wanted.level as Schemas['Level']] : [],
        kinds: wanted.kind ? [wanted.kind as Schemas['Kind']] : [],
        unit_status: (wanted.status || null) as Schemas['UnitStatus'] | null,
      },
    }),
  )

export const unitHistory = (id: string, change: string, cursor?: string) =>
  take(
    identity.GET('/units/{unit_id}/history', {
      params: { ...ofUnit(id), query: { change: (change || undefined) as Schemas['UnitChangeKind'] | undefined, limit: LIMIT, cursor } },
    }),
  )

export const unitEnding = (id: string) => take(identity.GET('/units/{unit_id}/ending', { params: ofUnit(id) }))

const change = (id: string, etag: string | null) => ({ params: { ...ofUnit(id), header: { 'If-Match': etag } } })
export const renameUnit = (id: string, etag: string | null, body: Schemas['RenameIn']) => take(identity.POST('/units/{unit_id}/rename', { ...change(id, etag), body }))
export const amendUnit = (id: string, etag: string | null, body: Schemas['DetailsIn']) => take(identity.PATCH('/units/{unit_id}', { ...change(id, etag), body }))
export const moveUnit = (id: string, etag: string | null, body: Schemas['MoveIn']) => take(identity.POST('/units/{unit_id}/move', { ...change(id, etag), body }))
export const mergeUnit = (id: string, etag: string | null, body: Schemas['MergeIn']) => take(identity.POST('/units/{unit_id}/merge', { ...change(id, etag), body }))
export const closeUnit = (id: string, etag: string | null, body: Schemas['ChangeIn']) => take(identity.POST('/units/{unit_id}/close', { ...change(id, etag), body }))
export const splitUnit = (id: string, etag: string | null, key: string, body: Schemas['SplitIn']) =>
  take(identity.POST('/units/{unit_id}/split', { params: { ...ofUnit(id), header: { 'If-Match': etag, 'Idempotency-Key': key } }, body }))
export const createUnit = (key: string, body: Schemas['UnitIn']) => take(identity.POST('/units', { params: { header: { 'Idempotency-Key': key } }, body }))

// --- people ---

export const listRoles = () => take(identity.GET('/roles', { params: { query: {} } }))

export const listMembers = (id: string, wanted: { role: string; status: string; q: string; sort: string }, cursor?: string, limit = LIMIT) =>
  take(
    identity.GET('/units/{unit_id}/members', {
      params: {
        ...ofUnit(id),
        query: {
          role: wanted.role || undefined,
          status: (wanted.status || undefined) as Schemas['AccountStatus'] | undefined,
          q: word(wanted.q),
          sort: wanted.sort as Schemas['MemberSort'],
          limit,
          cursor,
        },
      },
    }),
  )
export const searchPeople = (q: string, unitId?: string, cursor?: string) =>
  take(identity.GET('/search/people', { params: { query: { q, unit_id: unitId, limit: LIMIT, cursor } } }))
export const findByPhone = (phone: string) => take(identity.POST('/search/people/by-phone', { body: { phone } }))
export const getPerson = (sub: string) => take(identity.GET('/accounts/{sub}', ofPerson(sub)))
export const changeMember = (unitId: string, sub: string, body: Schemas['MemberChangeIn']) =>
  take(identity.PATCH('/units/{unit_id}/members/{sub}', { params: { path: { unit_id: unitId, sub } }, body }))
export const endMember = (unitId: string, sub: string, body: Schemas['LeaveIn']) =>
  take(identity.POST('/units/{unit_id}/members/{sub}/end', { params: { path: { unit_id: unitId, sub } }, body }))
export const transferMember = (unitId: string, sub: string, body: Schemas['TransferIn']) =>
  take(identity.POST('/units/{unit_id}/members/{sub}/transfer', { params: { path: { unit_id: unitId, sub } }, body }))
export const grant = (sub: string, name: string) => take(identity.POST('/accounts/{sub}/entitlements', { ...ofPerson(sub), body: { name } }))
export const withdrawGrant = (sub: string, name: string) => take(identity.DELETE('/accounts/{sub}/entitlements/{name}', { params: { path: { sub, name } } }))
export const wish = (sub: string, name: string, reason: string) => take(identity.POST('/entitlement-requests', { body: { sub, name, reason } }))
/** Platform administrators act on every account, unit administrators on those of their units. */
export const suspend = (sub: string, reason: string, anybody: boolean) =>
  take(identity.POST(anybody ? '/platform/accounts/{sub}/suspend' : '/accounts/{sub}/suspend', { ...ofPerson(sub), body: { reason } }))
export const restore = (sub: string, reason: string, anybody: boolean) =>
  take(identity.POST(anybody ? '/platform/accounts/{sub}/restore' : '/accounts/{sub}/restore', { ...ofPerson(sub), body: { reason } }))
export const resetMeans = (sub: string, anybody: boolean) =>
  take(identity.DELETE(anybody ? '/platform/accounts/{sub}/authenticators' : '/accounts/{sub}/authenticators', ofPerson(sub)))
export const unmask = (sub: string, reason: string) => take(identity.POST('/accounts/{sub}/unmask', { ...ofPerson(sub), body: { reason } }))
export const sessionsOf = (sub: string) => take(identity.GET('/accounts/{sub}/sessions', ofPerson(sub)))
export const endSessions = (sub: string) => take(identity.DELETE('/accounts/{sub}/sessions', ofPerson(sub)))
export const endSession = (sub: string, sid: string) => take(identity.DELETE('/accounts/{sub}/sessions/{sid}', { params: { path: { sub, sid } } }))

// --- invites, requests, reviews ---

export type Invite = Schemas['InviteOut']
export type InviteBatch = Schemas['InviteBatchOut']
export type JoinRequest = Schemas['JoinRequestOut']
export type Wish = Schemas['EntitlementRequestOut']
export type Recovery = Schemas['RecoveryOut']
export type Review = Schemas['ReviewOut']

export const waiting = () => take(identity.GET('/me/waiting'))
export const listInvites = (id: string, wanted: { usable: string; sort: string }, cursor?: string) =>
  take(identity.GET('/units/{unit_id}/invites', { params: { ...ofUnit(id), query: { usable: flag(wanted.usable), sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } } }))
export const createInvite = (id: string, body: Schemas['InviteIn']) => take(identity.POST('/units/{unit_id}/invites', { params: ofUnit(id), body }))
export const revokeInvite = (id: string) => take(identity.POST('/invites/{invite_id}/revoke', { params: { path: { invite_id: id } } }))

export const listJoinRequests = (wanted: { q: string; waiting: string; transfer: string; sort: string }, cursor?: string) =>
  take(identity.GET('/join-requests', { params: { query: { q: word(wanted.q), waiting: flag(wanted.waiting), transfer: flag(wanted.transfer), sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } } }))
const ofRequest = (id: string) => ({ params: { path: { request_id: id } } })
export const approveJoining = (id: string, body: Schemas['ApprovalIn']) => take(identity.POST('/join-requests/{request_id}/approve', { ...ofRequest(id), body }))
export const rejectJoining = (id: string, reason: string) => take(identity.POST('/join-requests/{request_id}/reject', { ...ofRequest(id), body: { reason } }))
export const listWishes = (wanted: { q: string; sort: string }, cursor?: string) =>
  take(identity.GET('/entitlement-requests', { params: { query: { q: word(wanted.q), sort: wanted.sort as Schemas['AgeSort'], limit: LIMIT, cursor } } }))
export const approveWish = (id: string) => take(identity.POST('/entitlement-requests/{request_id}/approve', ofRequest(id)))
export const rejectWish = (id: string, reason: string) => take(identity.POST('/entitlement-requests/{request_id}/reject', { ...ofRequest(id), body: { reason } }))
export const listRecoveries = (wanted: { q: string }, cursor?: string) => take(identity.GET('/phone-recoveries', { params: { query: { q: word(wanted.q), limit: LIMIT, cursor } } }))
export const approveRecovery = (id: string, inPerson: boolean) =>
  take(identity.POST('/phone-recoveries/{change_id}/approve', { params: { path: { change_id: id } }, body: { in_person: inPerson } }))
export const rejectRecovery = (id: string, reason: string) =>
  take(identity.POST('/phone-recoveries/{change_id}/reject', { params: { path: { change_id: id } }, body: { reason } }))

export const listReviews = (wanted: { q: string; sort: string }, cursor?: string) =>
  take(identity.GET('/entitlement-reviews', { params: { query: { q: word(wanted.q), sort: wanted.sort as Schemas['ReviewSort'], limit: LIMIT, cursor } } }))
export const keepGrant = (id: string) => take(identity.POST('/entitlements/{entitlement_id}/keep', { params: { path: { entitlement_id: id } } }))
export const dropGrant = (id: string) => take(identity.POST('/entitlements/{entitlement_id}/withdraw', { params: { path: { entitlement_id: id } } }))
