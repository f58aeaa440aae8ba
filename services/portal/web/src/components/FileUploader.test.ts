import { render, screen, waitFor } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { expect, test } from 'vitest'
import { ApiProblem } from '@/api/problems'
import type { UploadedFile, uploadFile } from '@/api/upload'
import FileUploader from './FileUploader.vue'

const file = (name: string): File => new File(['x'], name, { type: 'application/pdf' })

/** Answers each upload by its name: `bad` is refused, `slow` only ends when it is cancelled. */
const upload: typeof uploadFile = (one, { signal, progress }) =>
  new Promise((resolve, reject) => {
    progress(1, one.size)
    if (one.name === 'bad.pdf') reject(new ApiProblem(400, 'unsupported', 'T', 'Not this one'))
    else if (one.name === 'slow.pdf') signal.addEventListener('abort', () => reject(signal.reason as Error))
    else resolve({ id: one.name, name: one.name } as UploadedFile)
  })

test('files go one after another; each shows what was wrong with it, and may be cancelled', async () => {
  const user = userEvent.setup()
  const { emitted } = render(FileUploader, { props: { label: 'Files', multiple: true, upload } })
  await user.upload(screen.getByLabelText('Files'), [file('bad.pdf'), file('slow.pdf'), file('good.pdf')])
  expect((await screen.findByRole('alert')).textContent).toBe('Not this one')
  const bars = await screen.findAllByRole('progressbar')
  expect(bars).toHaveLength(2)
  await user.click(screen.getAllByRole('button').find((one) => one.getAttribute('aria-label')?.endsWith('slow.pdf')) as HTMLElement)
  await waitFor(() => expect(emitted('uploaded')).toHaveLength(1))
  expect(emitted('uploaded')[0]).toMatchObject([{ id: 'good.pdf' }])
  expect(screen.queryByRole('progressbar')).toBeNull()
})

test('what is too many or empty is not sent', async () => {
  const user = userEvent.setup()
  const { emitted } = render(FileUploader, { props: { label: 'Files', multiple: true, room: 1, upload } })
  await user.upload(screen.getByLabelText('Files'), [new File([], 'empty.pdf', { type: 'application/pdf' }), file('one.pdf'), file('two.pdf')])
  expect(await screen.findAllByRole('alert')).toHaveLength(2)
  await waitFor(() => expect(emitted('uploaded')).toHaveLength(1))
})
