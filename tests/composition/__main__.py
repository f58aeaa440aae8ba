"""`make compose-check`: the composition for production on this machine's Docker Engine, without a registry.

It builds base images from a Debian mirror and the images of the services, starts everything under a name, an
address and a tag of its own, runs the scenario of `make demo` through the gateway's TLS, signs in to the
portal in Chromium, replaces all services while people work, destroys all stores and restores them from the
backups, stops everything and sees that nothing is left.
It needs root, Docker Engine, debootstrap and Chromium.
"""

import asyncio
import json
import os
import sys
import warnings
from pathlib import Path

from authlib.deprecate import AuthlibDeprecationWarning

warnings.simplefilter("ignore", AuthlibDeprecationWarning)

from onebox.demo import figures, people, steps  # noqa: E402
from onebox.demo.story import CENTRE, COUNTY, Story  # noqa: E402
from testkit.backends import chromium  # noqa: E402
from testkit.browsers import PATIENCE  # noqa: E402
from testkit.waiting import moments  # noqa: E402
from tests.composition.machine import (  # noqa: E402
    ADDRESS,
    DOMAIN,
    HOSTS,
    LABEL,
    PROJECT,
    PSQL,
    ROOT,
    Unfit,
    complain,
    engine,
    exit_status_of,
    left_behind,
    output,
    resolve,
    run,
    settings_of,
    timed,
    with_compose,
)
from tests.composition.messages import Messages  # noqa: E402
from tests.composition.restoring import destroyed_and_restored  # noqa: E402
from tests.composition.rolling import replaced_under_load  # noqa: E402
from tests.composition.scanning import scanned, signatures  # noqa: E402


async def scenario(story: Story) -> None:
    """The five steps of `make demo`, once Office and Cockpit know the people and units."""
    with timed("Office and Cockpit take over the directory, by events"):
        async with story.person(CENTRE) as centre, story.person(COUNTY) as county:
            unit = (await county.identity("GET", f"/units/by-code/{COUNTY}")).json()["id"]
            async for _ in moments(300, pause=1):
                inbox = await county.office("GET", "/notices/inbox")
                overview = await centre.cockpit("GET", "/overview", params={"unit": unit, "year": 2017})
                if (inbox.status_code, overview.status_code) == (200, 200):
                    break
            else:
                raise people.Failed(f"Office: {inbox.text}; Cockpit: {overview.text}")
    with timed("a teacher registers, joins and signs in"):
        await steps.step1_join(story)
        await steps.step2_sign_in(story)
    with timed("a notice goes down to 1,016 units, each of which signs in and signs it"):
        print(f"   {json.dumps(await steps.step3_notice(story), ensure_ascii=False)}")
    with timed("the cockpit takes in the figures of 2017, and refuses forged tokens"):
        print(
            f"   {json.dumps(await figures.step4_cockpit(story, wait_for_expiry=False), ensure_ascii=False)}"
        )
    with timed("a suspended account is refused everywhere"):
        print(f"   {json.dumps(await steps.step5_suspend(story), ensure_ascii=False)}")


async def portal(story: Story, screenshot: Path) -> None:
    """Sign in to the portal in Chromium, through the gateway."""
    # Not imported by those who only read --help.
    from playwright.async_api import async_playwright

    person = story.person(COUNTY)
    async with async_playwright() as playwright, person:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find(),
            args=[*chromium.ARGUMENTS, f"--host-resolver-rules=MAP *.{DOMAIN} {ADDRESS}"],
            env={**os.environ, **chromium.LANGUAGE},
        )
        # The certificates are checked by the scenario's clients; Chromium has a store of its own.
        context = await browser.new_context(locale="zh-CN", ignore_https_errors=True)
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        await page.goto(f"https://gz.{DOMAIN}/")
        await page.get_by_role("link", name="前往统一用户认证登录").click()
        await page.get_by_label("手机号").fill(person.phone)
        await page.keyboard.press("Enter")
        await page.get_by_label("短信验证码").wait_for()
        await page.get_by_label("短信验证码").fill(await person.last_code())
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"https://gz.{DOMAIN}/")
        await page.get_by_role("heading", level=1).wait_for()
        heading = await page.get_by_role("heading", level=1).inner_text()
        print(f"   the portal says: {await page.title()} | {heading}")
        await page.screenshot(path=screenshot)
        await browser.close()


def sizes(environment: dict[str, str]) -> None:
    """Print the size of every image, and the memory that every container has in use."""
    names = sorted(set(output("docker", "compose", "config", "--images", environment=environment).split()))
    for name in names:
        size = int(
            output("docker", "image", "inspect", "--format", "{{.Size}}", name, environment=environment)
        )
        print(f"   image {name}: {size / 1e6:.0f} MB")
    containers = output("docker", "ps", "--quiet", "--filter", LABEL, environment=environment).split()
    used = output(
        *("docker", "stats", "--no-stream", "--format", "{{.Name}}: {{.MemUsage}}", *containers),
        environment=environment,
    )
    for line in sorted(used.splitlines()):
        print(f"   memory {line}")


def check(folder: Path, messages: Messages, environment: dict[str, str]) -> None:
    """Do all of it."""
    version = engine(environment)
    environment = with_compose(folder, environment)
    compose = output("docker", "compose", "version", "--short", environment=environment).strip()
    print(f"Docker Engine {version}, Compose {compose}", flush=True)
    with timed("base images from a Debian mirror"):
        names = ("python", "nginx", "rabbitmq", "postgres", "clamav")
        lines = output("deploy/base-images.sh", *names, environment=environment)
        environment |= dict(line.split("=", 1) for line in lines.split())
    environment = settings_of(folder, messages, environment) | signatures(folder / "signatures")
    if left := left_behind(environment):
        raise Unfit(
            f"an earlier check has left {', '.join(left)}: docker compose -p {PROJECT} down --volumes"
        )
    try:
        with timed("make up: images of the services, certificate, all containers"):
            run("make", "--no-print-directory", "up", environment=environment)
        job = ("docker", "compose", "run", "--rm", "--no-deps", "-e", "ZHUXUE_IDENTITY_MODE=dev")
        with timed("1,017 units and 2,032 made-up people"):
            run(
                *job,
                "identity-bootstrap",
                "python",
                "-m",
                "identity",
                "bootstrap",
                "s",
                environment=environment,
            )
        # It comes with the made-up people, and production does not start with it.
        forget = "DELETE FROM clients WHERE client_id = 'dev-frontend'"
        run(*PSQL, forget, environment=environment)
        resolve()
        people.TLS.load_verify_locations(folder / "tls" / "ca.pem")
        identity, office, cockpit, gateway = (f"https://{name}.{DOMAIN}" for name in HOSTS)
        inbox = f"http://127.0.0.1:{messages.port}/"
        story = Story(people.System(identity, office, cockpit, f"{gateway}/demo/callback", inbox))
        asyncio.run(scenario(story))
        with timed("uploads are scanned"):
            asyncio.run(scanned(story))
        with timed("signing in to the portal in Chromium"):
            asyncio.run(portal(story, folder / "portal.png"))
        with timed("make upgrade, while people work at all services"):
            command = ["make", "--no-print-directory", "upgrade"]
            asyncio.run(replaced_under_load(story, command, cwd=ROOT, env=environment))
        with timed("all stores are backed up, destroyed, and restored to a moment"):
            asyncio.run(destroyed_and_restored(story, run, output, PROJECT, environment))
        sizes(environment)
    except BaseException:
        complain(environment)
        raise
    finally:
        with timed("make down, with volumes"):
            run(
                "make", "--no-print-directory", "down", "ARGS=--volumes --timeout 20", environment=environment
            )
    if left := left_behind(environment):
        raise people.Failed(f"make down has left {', '.join(left)}")
    print("   no container, volume or network is left")


if __name__ == "__main__":
    sys.exit(exit_status_of("compose-check", check))
