/** The subjects of the administration, and who has them. The services decide; this hides what they would refuse. */
import type { Me, Permission } from '@/session/store'
import { administrationTexts as texts } from '../texts'

export interface Subject {
  to: string
  label: string
  about: string
  visible: (me: Me) => boolean
}

const may = (...permissions: Permission[]) => (me: Me): boolean => permissions.some((one) => me.permissions.includes(one))
const platform = (...roles: string[]) => (me: Me): boolean => me.platform_role !== null && roles.includes(me.platform_role)

export const subjects: readonly Subject[] = [
  { to: '/administration/units', label: texts.units.title, about: texts.units.about, visible: (me) => me.unit_id !== null || me.platform_role !== null },
  { to: '/administration/people', label: texts.people.title, about: texts.people.about, visible: (me) => may('members.read')(me) || platform('security_admin')(me) },
  { to: '/administration/invites', label: texts.invites.title, about: texts.invites.about, visible: may('members.admit') },
  { to: '/administration/requests', label: texts.requests.title, about: texts.requests.about, visible: may('members.admit', 'entitlements.grant', 'accounts.manage') },
  { to: '/administration/reviews', label: texts.reviews.title, about: texts.reviews.about, visible: may('entitlements.grant', 'platform.entitlements') },
  { to: '/administration/delegations', label: texts.delegations.ofUnits, about: texts.delegations.ofUnitsAbout, visible: may('members.read') },
  { to: '/administration/hand-overs', label: texts.handOvers.title, about: texts.handOvers.about, visible: may('members.read') },
  { to: '/administration/offices', label: texts.offices.title, about: texts.offices.about, visible: (me) => me.platform_role !== null },
  { to: '/administration/imports', label: texts.imports.title, about: texts.imports.about, visible: may('units.manage') },
  { to: '/administration/clients', label: texts.clients.title, about: texts.clients.about, visible: may('clients.manage', 'platform.clients') },
  { to: '/administration/audit', label: texts.audit.title, about: texts.audit.about, visible: may('audit.read') },
]

declare module 'vue-router' {
  interface RouteMeta {
    /** The subject whose page this is, if its address does not say so. */
    subject?: string
  }
}
