import { cleanup } from '@testing-library/vue'
import { afterEach } from 'vitest'

// jsdom has no dialogs.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true
}
HTMLDialogElement.prototype.close = function close() {
  this.open = false
}

afterEach(() => {
  cleanup()
  sessionStorage.clear()
  localStorage.clear()
})
