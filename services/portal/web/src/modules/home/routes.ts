import type { Module } from '../module'
import { homeTexts as texts } from './texts'

export const home: Module = {
  routes: [{ path: '/', component: () => import('./pages/HomePage.vue'), meta: { title: texts.title } }],
  places: [{ to: '/', label: texts.title, about: '', icon: 'home' }],
}
