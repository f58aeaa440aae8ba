import type { Module } from '../module'
import { cockpitTexts as texts } from './texts'

export const cockpit: Module = {
  routes: [{ path: '/cockpit', component: () => import('./pages/CockpitPage.vue'), meta: { title: texts.title } }],
  // Only who has been authorised at Identity (系统授权) has this place at all.
  places: [{ to: '/cockpit', label: texts.title, about: texts.about, icon: 'cockpit', planned: true, visible: (me) => me.entitlements.includes('cockpit') }],
}
