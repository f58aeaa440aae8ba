/** What a proposed change of a client's registration changes. Pure. */
import { texts as common } from '@/texts'
import type { useSession } from '@/session/store'
import type { Client, Registration } from '../api/registry'
import { administrationTexts } from '../texts'

export interface Line {
  item: string
  before: string
  after: string
}

const texts = administrationTexts.clients
/** In the order of the form; fields that it does not have are shown by their names of RFC 7591. */
const LABELS: Partial<Record<keyof Registration, string>> = {
  client_name: texts.name,
  client_uri: texts.uri,
  application_type: texts.appType,
  token_endpoint_auth_method: texts.auth,
  additional_token_endpoint_auth_methods: texts.alsoBy,
  grant_types: texts.grants,
  redirect_uris: texts.redirect,
  post_logout_redirect_uris: texts.afterLogout,
  allowed_origins: texts.origins,
  scopes: texts.scopes,
  audiences: texts.audiences,
  jwks_uri: texts.jwks,
  backchannel_logout_uri: texts.backchannel,
  frontchannel_logout_uri: texts.frontchannel,
  initiate_login_uri: texts.begin,
  id_token_signed_response_alg: texts.alg,
  name_in_id_token: texts.nameInIdToken,
  contacts: texts.contacts,
  require_pushed_authorization_requests: texts.par,
  dpop_bound_access_tokens: texts.dpop,
  require_pkce: texts.pkce,
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return common.none
  if (typeof value === 'boolean') return value ? common.yes : common.no
  if (Array.isArray(value)) return value.map(String).join('、') || common.none
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Returns the fields in which the proposed registration differs from the present one. */
export function proposedLines(client: Client): Line[] {
  const { proposed } = client
  if (!proposed) return []
  const names = [...new Set([...Object.keys(LABELS), ...Object.keys(proposed)])] as (keyof Registration)[]
  return names
    .map((name) => ({ item: LABELS[name] ?? name, before: shown(client[name]), after: shown(proposed[name]) }))
    .filter((line) => line.before !== line.after)
}

/** Tells whether the person decides for the centre what clients may do. */
export const ofCentre = (session: Pick<ReturnType<typeof useSession>, 'may' | 'me'>): boolean =>
  session.may('platform.clients') || session.me?.acting?.level === 'ministry'

/** What can be done about a client's use: the centre takes a decision over, and nobody takes the centre's back. */
export function decisions(client: Pick<Client, 'status' | 'disabled_by'>, centre: boolean): { disable: boolean; enable: boolean; hold: boolean; waits: boolean } {
  const disabled = client.status === 'disabled'
  const held = disabled && client.disabled_by === 'centre'
  return { disable: client.status === 'active', enable: disabled && (centre || !held), hold: disabled && centre && !held, waits: held && !centre }
}

/** What an answer has beside the registration. The compiler tells when a new one is missing. */
const NOT_REGISTERED: Record<Exclude<keyof Client, keyof Registration>, true> = {
  client_id: true,
  client_secret: true,
  disabled_at: true,
  disabled_by: true,
  disabled_by_unit_name: true,
  disabled_reason: true,
  owner_unit_id: true,
  owner_unit_name: true,
  proposed: true,
  proposed_at: true,
  registered_at: true,
  secrets: true,
  status: true,
  version: true,
}

/** Returns the registration as it is, for a replacement that has to be whole. */
export const registered = (client: Client): Partial<Registration> =>
  Object.fromEntries(Object.entries(client).filter(([name]) => !(name in NOT_REGISTERED))) as Partial<Registration>
