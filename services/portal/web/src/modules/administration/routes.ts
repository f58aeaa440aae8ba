import type { Module } from '../module'
import { administrationTexts as texts } from './texts'

export const administration: Module = {
  routes: [{ path: '/administration', component: () => import('./pages/AdministrationPage.vue'), meta: { title: texts.title } }],
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
