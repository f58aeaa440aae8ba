import type { Module } from '../module'
import { tasksTexts as texts } from './texts'

export const tasks: Module = {
  routes: [{ path: '/tasks', component: () => import('./pages/TasksPage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/tasks', label: texts.title, about: texts.about, icon: 'tasks', badge: 'tasks', visible: (me) => me.unit_id !== null }],
}
