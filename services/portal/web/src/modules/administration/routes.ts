import type { Module } from '../module'
import { administrationTexts as texts } from './texts'

const below = (path: string): string => `/administration/${path}`

export const administration: Module = {
  routes: [
    { path: '/administration', component: () => import('./pages/AdministrationPage.vue'), meta: { title: texts.title } },
    { path: below('units'), component: () => import('./pages/UnitsPage.vue'), meta: { title: texts.units.title } },
    { path: below('people'), component: () => import('./pages/PeoplePage.vue'), meta: { title: texts.people.title } },
    { path: below('people/:sub'), component: () => import('./pages/PersonPage.vue'), meta: { title: texts.people.card } },
    { path: below('invites'), component: () => import('./pages/InvitesPage.vue'), meta: { title: texts.invites.title } },
    { path: below('requests'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('requests/entitlements'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('requests/recoveries'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('reviews'), component: () => import('./pages/ReviewsPage.vue'), meta: { title: texts.reviews.title } },
    { path: '/delegations', component: () => import('./pages/DelegationsPage.vue'), meta: { title: texts.delegations.title } },
    { path: below('delegations'), component: () => import('./pages/UnitDelegationsPage.vue'), meta: { title: texts.delegations.ofUnits } },
    { path: below('hand-overs'), component: () => import('./pages/HandOversPage.vue'), meta: { title: texts.handOvers.title } },
    { path: below('offices'), component: () => import('./pages/OfficesPage.vue'), meta: { title: texts.offices.title } },
    { path: below('imports'), component: () => import('./pages/ImportsPage.vue'), meta: { title: texts.imports.title } },
    { path: below('imports/:id'), component: () => import('./pages/ImportPage.vue'), meta: { title: texts.imports.title } },
    { path: below('invite-batches'), component: () => import('./pages/InviteBatchesPage.vue'), meta: { title: texts.imports.invites, subject: below('invites') } },
    { path: below('invite-batches/:id'), component: () => import('./pages/InviteBatchPage.vue'), meta: { title: texts.imports.invites, subject: below('invites') } },
    { path: below('clients'), component: () => import('./pages/ClientsPage.vue'), meta: { title: texts.clients.title } },
    { path: below('clients/:id'), component: () => import('./pages/ClientPage.vue'), meta: { title: texts.clients.title } },
    { path: below('audit'), component: () => import('./pages/AuditPage.vue'), meta: { title: texts.audit.title } },
    { path: below('audit/exports'), component: () => import('./pages/AuditPage.vue'), meta: { title: texts.audit.exports } },
    { path: below('audit/seals'), component: () => import('./pages/AuditPage.vue'), meta: { title: texts.audit.seals } },
  ],
  places: [
    { to: '/delegations', label: texts.delegations.title, about: texts.delegations.about, icon: 'delegations', visible: (me) => me.unit_id !== null },
    {
      to: '/administration',
      label: texts.title,
      about: texts.about,
      icon: 'administration',
      visible: (me) => me.platform_role !== null || me.permissions.includes('units.manage') || me.permissions.includes('members.admit'),
    },
  ],
}
