import type { Module } from '../module'
import { answersTexts as texts } from './texts'

export const answers: Module = {
  routes: [{ path: '/notices/:id/answers', component: () => import('./pages/AnswersPage.vue'), meta: { title: texts.title } }],
  places: [],
}
