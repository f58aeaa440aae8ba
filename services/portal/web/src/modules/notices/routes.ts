import type { Module } from '../module'
import { noticesTexts as texts } from './texts'

export const notices: Module = {
  routes: [
    { path: '/notices', component: () => import('./pages/InboxPage.vue'), meta: { title: texts.title } },
    { path: '/notices/:id', component: () => import('./pages/NoticePage.vue'), meta: { title: texts.title } },
    { path: '/notices/:id/answer', component: () => import('./pages/AnswerPage.vue'), meta: { title: texts.answerTitle } },
  ],
  places: [{ to: '/notices', label: texts.title, about: texts.about, icon: 'notices', badge: 'notices', visible: (me) => me.unit_id !== null }],
}
