import type { RouteRecordRaw } from 'vue-router'
import type { Module } from '../module'
import { MODULES } from './logic/asked'
import { cockpitTexts as texts } from './texts'

const views = MODULES.map(
  (module): RouteRecordRaw => ({
    path: `/cockpit/${module}`,
    component: () => import('./pages/ViewPage.vue'),
    props: { module },
    meta: { title: texts.modules[module] ?? texts.title },
  }),
)

export const cockpit: Module = {
  routes: [
    { path: '/cockpit', redirect: (to) => ({ path: '/cockpit/overview', query: to.query }) },
    ...views,
    { path: '/cockpit/dictionary', component: () => import('./pages/DictionaryPage.vue'), meta: { title: texts.dictionary } },
    { path: '/cockpit/feeds', component: () => import('./pages/FeedsPage.vue'), meta: { title: texts.feeds } },
    { path: '/cockpit/walls', component: () => import('./pages/WallsPage.vue'), meta: { title: texts.walls } },
    { path: '/cockpit/wall', component: () => import('./pages/WallPage.vue'), meta: { title: texts.wall } },
    { path: '/wall', component: () => import('./pages/DisplayPage.vue'), meta: { title: texts.display, display: true } },
  ],
  // Only who has been authorised at Identity (系统授权) has this place at all.
  places: [{ to: '/cockpit', label: texts.title, about: texts.about, icon: 'cockpit', visible: (me) => me.entitlements.includes('cockpit') }],
}
