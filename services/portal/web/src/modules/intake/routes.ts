import type { Module } from '../module'
import { intakeTexts as texts } from './texts'

export const intake: Module = {
  routes: [
    { path: '/intake', component: () => import('./pages/BatchesPage.vue'), meta: { title: texts.title } },
    { path: '/intake/batches/:id', component: () => import('./pages/BatchPage.vue'), meta: { title: texts.facts } },
    { path: '/intake/inconsistencies', component: () => import('./pages/InconsistenciesPage.vue'), meta: { title: texts.inconsistencies } },
    { path: '/intake/feeds', component: () => import('./pages/FeedsPage.vue'), meta: { title: texts.feeds } },
  ],
  // Cockpit admits who has been authorised at Identity.
  places: [
    {
      to: '/intake',
      label: texts.title,
      about: texts.about,
      icon: 'intake',
      visible: (me) => me.entitlements.includes('cockpit'),
    },
  ],
}
