import { render } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { defineComponent, h } from 'vue'
import { createMemoryHistory, createRouter, useRoute } from 'vue-router'
import { expect, test } from 'vitest'
import PageView from './PageView.vue'

const Notice = defineComponent(() => {
  const id = String(useRoute().params.id)
  return () => h('label', [id, h('input')])
})

test('another notice is another page; another filter of a page is not', async () => {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/notices/:id', component: Notice }] })
  await router.push('/notices/a')
  const page = render(PageView, { global: { plugins: [router] } })
  await router.push('/notices/b')
  const field = await page.findByLabelText<HTMLInputElement>('b')
  await userEvent.type(field, 'typed')
  await router.push('/notices/b?tab=history')
  expect(page.getByLabelText<HTMLInputElement>('b').value).toBe('typed')
})
