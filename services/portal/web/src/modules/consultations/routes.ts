import type { Module } from '../module'
import { consultationsTexts as texts } from './texts'

export const consultations: Module = {
  routes: [{ path: '/consultations', component: () => import('./pages/ConsultationsPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/consultations', label: texts.title, about: texts.about, icon: 'consultations', planned: true, visible: (me) => me.unit_id !== null }],
}
