import type { Module } from '../module'
import { administrationTexts as texts } from './texts'

const below = (path: string): string => `/administration/${path}`

export const administration: Module = {
  routes: [
    { path: '/administration', component: () => import('./pages/AdministrationPage.vue'), meta: { title: texts.title } },
    { path: below('people'), component: () => import('./pages/PeoplePage.vue'), meta: { title: texts.people.title } },
    { path: below('people/:sub'), component: () => import('./pages/PersonPage.vue'), meta: { title: texts.people.card } },
    { path: below('invites'), component: () => import('./pages/InvitesPage.vue'), meta: { title: texts.invites.title } },
    { path: below('requests'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('requests/entitlements'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('requests/recoveries'), component: () => import('./pages/RequestsPage.vue'), meta: { title: texts.requests.title } },
    { path: below('reviews'), component: () => import('./pages/ReviewsPage.vue'), meta: { title: texts.reviews.title } },
  ],
  places: [
    {
      to: '/administration',
      label: texts.title,
      about: texts.about,
      icon: 'administration',
      visible: (me) => me.platform_role !== null || me.permissions.includes('units.manage') || me.permissions.includes('members.admit'),
    },
  ],
}
