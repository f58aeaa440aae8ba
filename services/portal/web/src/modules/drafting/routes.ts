import type { Module } from '../module'
import { draftingTexts as texts } from './texts'

/** Addresses that tasks link to, too (`office.issuing.prompts`). */
export const drafting: Module = {
  routes: [
    { path: '/notices/outbox', component: () => import('./pages/OutboxPage.vue'), meta: { title: texts.title } },
    { path: '/notices/outbox/new', component: () => import('./pages/NewDraftPage.vue'), meta: { title: texts.newTitle } },
    { path: '/notices/outbox/numbers', component: () => import('./pages/NumbersPage.vue'), meta: { title: texts.numbersTitle } },
    { path: '/notices/outbox/templates', component: () => import('./pages/TemplatesPage.vue'), meta: { title: texts.templatesTitle } },
    { path: '/notices/outbox/templates/:id', component: () => import('./pages/TemplatePage.vue'), meta: { title: texts.editTemplate } },
    { path: '/notices/outbox/:id', component: () => import('./pages/OwnNoticePage.vue'), meta: { title: texts.title } },
    { path: '/notices/outbox/:id/edit', component: () => import('./pages/ComposePage.vue'), meta: { title: texts.composeTitle } },
    { path: '/notices/outbox/:id/form', component: () => import('./pages/FormPage.vue'), meta: { title: texts.form.title } },
  ],
  places: [{ to: '/notices/outbox', label: texts.title, about: texts.about, icon: 'drafting', visible: (me) => me.unit_id !== null && me.permissions.includes('notices.read') }],
}
