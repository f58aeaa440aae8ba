"""Keys over a page: Tab reaches each element, shows where it is, and gets out; and dialogs let go."""

import asyncio
from typing import TYPE_CHECKING, Any

from testkit.browsers import serious_faults

if TYPE_CHECKING:
    from playwright.async_api import Page

STRIDE, LONGEST = 15, 40
"""Presses of Tab between two looks, and looks at a page: fields of dates take several presses each."""

# Elements that Tab must reach, with how they look before; what has the focus is noted as it moves.
_BEGIN = """(root) => {
  const within = document.querySelector(root);
  const look = (one) => {
    const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(one);
    return [outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor].join();
  };
  // A field that is laid over or beside its label shows the focus there.
  const labels = (one) => [one.closest('label'), ...(one.labels ?? [])].filter(Boolean);
  const looks = (one) => [one, ...labels(one)].map(look).join('/');
  const name = (one) => {
    const text = one.getAttribute('aria-label') ?? (labels(one)[0] ?? one).innerText;
    return `${one.tagName.toLowerCase()} ${text}`.slice(0, 50);
  };
  // Of a group of radio buttons, arrows reach the others.
  const byArrows = (one) => one.type === 'radio' && [...document.getElementsByName(one.name)]
    .some((other) => other !== one && (other.checked || !one.checked));
  const reached = (one) => one.tabIndex >= 0 && !one.matches(':disabled') && !byArrows(one)
    && one.checkVisibility({ visibilityProperty: true });
  const kinds = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]';
  const all = [...within.querySelectorAll(kinds)].filter(reached);
  document.activeElement.blur();
  const before = new Map(all.map((one) => [one, looks(one)]));
  const seen = new Set();
  let last = null;
  const listen = ({ target }) => {
    if (!within.contains(target) || (seen.has(target) && target !== last)) walk.left = true;
    if (walk.left) return;
    last = target;
    if (before.get(target) === looks(target)) walk.faults.push(`no visible focus: ${name(target)}`);
    seen.add(target);
  };
  const walk = {
    faults: [],
    left: false,
    end: () => {
      document.removeEventListener('focusin', listen);
      if (root !== '#main') within.removeAttribute('tabindex');
    },
    missing: () => all.filter((one) => !seen.has(one) && one.isConnected && reached(one)).map(name),
  };
  document.addEventListener('focusin', listen);
  window.keysWalk = walk;
  // From its beginning: what a dialog gave the focus to is reached by Tab, too.
  if (root !== '#main') within.tabIndex = -1;
  within.focus();
  return all.length;
}"""
_LOOK = "keysWalk.left || document.activeElement === document.body"
_END = "(keysWalk.end(), [...keysWalk.faults, ...keysWalk.missing().map((one) => `not reached: ${one}`)])"

# Opens what a button opens; whatever it asks a service for is answered by whoever calls.
_OPEN = """async (at) => {
  const all = [...document.querySelectorAll('#main button:not(:disabled)')];
  const button = all.filter((one) => one.checkVisibility())[at];
  if (!button) return 'none';
  window.openedBy = button;
  button.focus();
  button.click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return document.querySelector('dialog[open]') ? 'dialog' : 'other';
}"""
_CLOSED = """() => {
  const dialog = document.querySelector('dialog[open]');
  if (dialog) return `Escape leaves open: ${dialog.innerText.slice(0, 30)}`;
  const back = document.activeElement;
  const wanted = window.openedBy.isConnected ? window.openedBy : document.getElementById('main');
  const name = window.openedBy.innerText;
  return back === wanted ? '' : `focus is not back at ${name}: ${back?.outerHTML.slice(0, 80)}`;
}"""


async def walk(page: "Page", root: str = "#main") -> list[str]:
    """Press Tab from the beginning of an element to beyond its end; return what is wrong."""
    if not await page.evaluate(_BEGIN, root):
        return []
    for _ in range(LONGEST):
        await asyncio.gather(*(page.keyboard.press("Tab") for _ in range(STRIDE)))
        if await page.evaluate(_LOOK):
            break
    else:
        return ["Tab does not get out", *await page.evaluate(_END)]
    found: list[str] = await page.evaluate(_END)
    return found


async def try_dialogs(page: "Page") -> tuple[int, list[str]]:
    """Press each button of the page; return how many open a dialog, and what is wrong with these."""
    faults: list[str] = []
    opened, address = 0, page.url
    for at in range(LONGEST):
        outcome: Any = await page.evaluate(_OPEN, at)
        if outcome == "none" or page.url.partition("?")[0] != address.partition("?")[0]:
            break
        if outcome != "dialog":
            continue
        opened += 1
        faults += await serious_faults(page, "'dialog[open]'")
        faults += await walk(page, "dialog[open]")
        await page.keyboard.press("Escape")
        if fault := await page.evaluate(_CLOSED):
            faults.append(fault)
    return opened, faults
