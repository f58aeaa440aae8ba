import type { Module } from '../module'
import { contactsTexts as texts } from './texts'

export const contacts: Module = {
  routes: [
    { path: '/contacts', component: () => import('./pages/ContactsPage.vue'), meta: { title: texts.title } },
    { path: '/contacts/groups', component: () => import('./pages/GroupsPage.vue'), meta: { title: texts.groupsTitle } },
    { path: '/contacts/groups/:id', component: () => import('./pages/GroupPage.vue'), meta: { title: texts.groupTitle } },
    { path: '/contacts/units/:id', component: () => import('./pages/UnitPage.vue'), meta: { title: texts.unitTitle } },
  ],
  places: [{ to: '/contacts', label: texts.title, about: texts.about, icon: 'contacts', visible: (me) => me.unit_id !== null }],
}
