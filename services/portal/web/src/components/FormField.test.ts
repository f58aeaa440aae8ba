import { render, screen } from '@testing-library/vue'
import { h } from 'vue'
import { expect, test } from 'vitest'
import { ApiProblem } from '@/api/problems'
import FormField from './FormField.vue'

test('the server\'s text for a field is part of the field', () => {
  const problem = new ApiProblem(409, 'draft_incomplete', 'T', 'D', [{ pointer: '/title', detail: 'Fill it in' }])
  render(FormField, {
    props: { label: 'Title', hint: 'Short', pointer: '/title', problem, required: true },
    slots: { default: ({ id, described, invalid }: { id: string; described: string; invalid: true }) => h('input', { id, 'aria-describedby': described, 'aria-invalid': invalid }) },
  })
  const field = screen.getByLabelText(/Title/)
  expect(field.getAttribute('aria-invalid')).toBe('true')
  const texts = field.getAttribute('aria-describedby')?.split(' ').map((id) => document.getElementById(id)?.textContent)
  expect(texts).toEqual(['Short', 'Fill it in'])
})
