import { nextTick } from 'vue'
import { createRouter, createWebHistory, type Router } from 'vue-router'
import { modules } from '@/modules'
import { useSession } from '@/session/store'
import { texts } from '@/texts'
import { shellTexts } from './texts'
import { useVersion } from './version'

export function createPortalRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      ...modules.flatMap((one) => one.routes),
      { path: '/sign-in', component: () => import('./SignInPage.vue'), meta: { title: texts.signIn, open: true } },
      { path: '/:rest(.*)*', component: () => import('./NotFoundPage.vue'), meta: { title: shellTexts.notFound } },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  })

  router.beforeEach(async (to) => {
    if (to.meta.display) return true
    const session = useSession()
    try {
      await session.load()
    } catch {
      // The frame shows that the portal does not answer, and tries again.
      return true
    }
    if (session.signedIn || to.meta.open) return true
    return { path: '/sign-in', query: { return_to: to.fullPath } }
  })

  router.afterEach(async (to, from) => {
    document.title = `${to.meta.title} · ${texts.product}`
    if (!from.matched.length || to.path === from.path) return
    // Screen readers go on at the new page, as after a navigation of the browser.
    await nextTick()
    document.getElementById('main')?.focus({ preventScroll: true })
  })

  router.onError((_error, to) => void useVersion().missed(to.fullPath))
  return router
}
