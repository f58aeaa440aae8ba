/** Who acts for whom, whose work goes to whom, and who holds the platform's offices. */
import { identity, take } from '@/api/client'
import { ofUnit, type Schemas } from './index'

export type Delegation = Schemas['DelegationOut']
export type HandOver = Schemas['HandOverOut']
export type Proposal = Schemas['ProposalOut']
export type PlatformRole = Schemas['PlatformRole']

const LIMIT = 20
const flag = (value: string): boolean | undefined => (value === '' ? undefined : value === 'true')

export const ownDelegations = (running: string, cursor?: string) =>
  take(identity.GET('/me/delegations', { params: { query: { running: flag(running), limit: LIMIT, cursor } } }))
export const unitDelegations = (id: string, running: string, cursor?: string) =>
  take(identity.GET('/units/{unit_id}/delegations', { params: { ...ofUnit(id), query: { running: flag(running), limit: LIMIT, cursor } } }))
export const delegate = (body: Schemas['DelegationIn']) => take(identity.POST('/me/delegations', { body }))
export const endDelegation = (id: string) => take(identity.POST('/delegations/{delegation_id}/revoke', { params: { path: { delegation_id: id } } }))

export const handOvers = (id: string, completed: string, cursor?: string) =>
  take(identity.GET('/units/{unit_id}/hand-overs', { params: { ...ofUnit(id), query: { completed: flag(completed), limit: LIMIT, cursor } } }))

export const platformAdmins = () => take(identity.GET('/platform/administrators'))
export const proposals = (status: string, cursor?: string) =>
  take(identity.GET('/platform/proposals', { params: { query: { status: (status || undefined) as Schemas['ProposalStatus'] | undefined, limit: LIMIT, cursor } } }))
export const propose = (sub: string, role: PlatformRole | null, reason: string) => take(identity.POST('/platform/proposals', { body: { sub, role, reason } }))
const ofProposal = (id: string) => ({ params: { path: { proposal_id: id } } })
export const confirmProposal = (id: string) => take(identity.POST('/platform/proposals/{proposal_id}/confirm', ofProposal(id)))
export const refuseProposal = (id: string) => take(identity.POST('/platform/proposals/{proposal_id}/refuse', ofProposal(id)))
