import type { Module } from '../module'
import { complaintsTexts as texts } from './texts'

export const complaints: Module = {
  routes: [{ path: '/complaints', component: () => import('./pages/ComplaintsPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/complaints', label: texts.title, about: texts.about, icon: 'complaints', planned: true, visible: (me) => me.unit_id !== null }],
}
