import { searchTexts as texts } from '@/texts/search'
import type { Module } from '../module'

export const search: Module = {
  routes: [{ path: '/search', component: () => import('./pages/SearchPage.vue'), meta: { title: texts.title } }],
  places: [],
}
