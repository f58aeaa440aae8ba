/**
 * Whether somebody is at this page. Lists, counts and the presence at a draft are asked for as long as a page is open: such calls
 * must not keep a session that nobody uses.
 */

/** So long after somebody last moved, typed or clicked, what the page asks for is still theirs. */
export const ATTENDED = 60_000

/** Whoever opened the page is there. */
let last = Date.now()
for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove', 'click', 'input'])
  window.addEventListener(kind, () => (last = Date.now()), { capture: true, passive: true })

export const attended = (): boolean => Date.now() - last < ATTENDED

/** The header of a call that the page makes by itself. */
export const UNATTENDED = 'x-unattended'
