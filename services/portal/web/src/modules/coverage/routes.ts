import type { Module } from '../module'
import { coverageTexts as texts } from './texts'

export const coverage: Module = {
  routes: [
    { path: '/notices/:id/coverage', component: () => import('./pages/CoveragePage.vue'), meta: { title: texts.title } },
    // Where the task to decide on a return leads.
    { path: '/notices/:id/returns', redirect: (to) => ({ path: `/notices/${String(to.params.id)}/coverage`, query: { tab: 'returns' } }) },
  ],
  places: [],
}
