"""What every page has to be: accessible, and no wider than the screen; with and without scripts."""

import re

from testkit.browsers import overflow, serious_faults

from .conftest import Person

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)


async def judge(person: Person, name: str) -> None:
    """No serious finding of axe-core, no scrolling sideways."""
    assert await overflow(person.page) == 0, name
    faults = await serious_faults(person.page) if person.scripts else await faults_without_scripts(person)
    assert faults == [], name


async def faults_without_scripts(person: Person) -> list[str]:
    """What axe-core finds in a page that runs no scripts.

    axe-core itself is a script, so it looks at the same markup, without the scripts of the page, in a profile
    that would run them.
    """
    browser, screen = person.page.context.browser, person.screen
    assert browser is not None
    context = await browser.new_context(
        viewport={"width": screen.width, "height": screen.height}, locale="zh-CN", reduced_motion="reduce"
    )
    try:
        page = await context.new_page()
        # For the style sheets, which are at the same address.
        await page.goto(f"{person.site.url}/help")
        await page.set_content(_SCRIPT.sub("", await person.page.content()), wait_until="load")
        return await serious_faults(page)
    finally:
        await context.close()
