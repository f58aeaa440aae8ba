import type { Module } from '../module'
import { submissionsTexts as texts } from './texts'

export const submissions: Module = {
  routes: [{ path: '/submissions', component: () => import('./pages/SubmissionsPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/submissions', label: texts.title, about: texts.about, icon: 'submissions', planned: true, visible: (me) => me.unit_id !== null }],
}
