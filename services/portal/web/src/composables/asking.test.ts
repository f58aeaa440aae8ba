import { render } from '@testing-library/vue'
import { expect, test } from 'vitest'
import { defineComponent, h, nextTick, ref } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { type Asking, useAsking } from './asking'

test('after a stronger sign-in the question that the address names is there again, once its page is loaded', async () => {
  const loaded = ref(false)
  const asked = ref<string | null>(null)
  let asking: Asking | undefined
  const page = defineComponent({
    setup() {
      asking = useAsking(asked, { suspend: () => (asked.value = 'suspend') }, () => loaded.value)
      return () => h('p')
    },
  })
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/person', component: page }] })
  await router.push('/person?tab=a&do=suspend')
  render(page, { global: { plugins: [router] } })
  expect(asked.value).toBeNull()
  loaded.value = true
  await nextTick()
  expect(asked.value).toBe('suspend')
  await asking?.settle()
  expect(asked.value).toBeNull()
  expect(router.currentRoute.value.query).toEqual({ tab: 'a' })
  await asking?.ask('unknown')
  await nextTick()
  expect(asked.value).toBeNull()
})
