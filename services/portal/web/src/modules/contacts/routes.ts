import type { Module } from '../module'
import { contactsTexts as texts } from './texts'

export const contacts: Module = {
  routes: [{ path: '/contacts', component: () => import('./pages/ContactsPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/contacts', label: texts.title, about: texts.about, icon: 'contacts', planned: true, visible: (me) => me.unit_id !== null }],
}
