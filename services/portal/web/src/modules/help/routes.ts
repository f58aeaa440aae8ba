import type { Module } from '../module'
import { helpTexts as texts } from './texts'

export const help: Module = {
  routes: [
    { path: '/help', component: () => import('./pages/HelpPage.vue'), meta: { title: texts.title } },
    { path: '/help/new', component: () => import('./pages/EditPage.vue'), meta: { title: texts.newTitle } },
    { path: '/help/:id', component: () => import('./pages/ArticlePage.vue'), meta: { title: texts.articleTitle } },
    { path: '/help/:id/edit', component: () => import('./pages/EditPage.vue'), meta: { title: texts.editTitle } },
    { path: '/help/:id/versions', component: () => import('./pages/VersionsPage.vue'), meta: { title: texts.versionsTitle } },
  ],
  places: [{ to: '/help', label: texts.title, about: texts.about, icon: 'help', visible: (me) => me.unit_id !== null }],
}
