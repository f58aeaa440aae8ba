import type { Module } from '../module'
import { activitiesTexts as texts } from './texts'

export const activities: Module = {
  routes: [{ path: '/activities', component: () => import('./pages/ActivitiesPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/activities', label: texts.title, about: texts.about, icon: 'activities', planned: true, visible: (me) => me.unit_id !== null }],
}
