"""Phone and ID numbers appear in clear in no database, log, event, dead letter or URL, whatever people do.

Every row of every table is read, of today and of later: accounts, codes, text messages, sign-ins, changes of
numbers, invitations, copies of data, the audit log, jobs, the outbox and dead letters.

Only the inbox of dev mode shows numbers, by design: it is in memory, and does not exist in production.
"""

import asyncio
import base64
import contextlib
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from contracts.identity import PersonChangedV1
from onebox.demo import steps
from onebox.demo.figures import step4_cockpit
from onebox.demo.people import Person, expect
from onebox.demo.story import CENTRE, COUNTY, Story
from servicekit.ids import new_id
from testkit.backends.postgresql import connect
from testkit.waiting import moments

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")

HEX = re.compile(r"\\x([0-9a-f]{16,})")
DEV_INBOX = "/dev/sms"
DEAD_LETTERS = "public.dead_letters"


def id_number() -> str:
    """A number of the right form (GB 11643); the sandbox accepts it."""
    digits = f"11010119900307{secrets.randbelow(400) + 500:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return digits + "10X98765432"[total % 11]


@dataclass
class Urls:
    """Every address that a person's browser asked for or was sent to.

    They are in a file, too, as in the access log of a proxy that writes whole addresses; the gateway's own
    log has only their paths.
    """

    log: Path
    seen: list[str] = field(default_factory=list)

    def follow(self, patch: pytest.MonkeyPatch) -> None:
        """Watch all HTTP clients of the test."""
        send = httpx.AsyncClient.send

        async def watched(client: httpx.AsyncClient, request: httpx.Request, **more: Any) -> httpx.Response:
            response = await send(client, request, **more)
            if not request.url.path.startswith(DEV_INBOX):
                asked = str(request.url)
                if request.extensions.get("by_client"):
                    # What another platform writes into its own request is not ours, but the answer is.
                    asked = str(request.url.copy_with(query=None))
                onward = response.headers.get("location", "")
                self.seen += [asked, onward]
                with self.log.open("a", encoding="utf-8") as log:
                    log.write(f'"{request.method} {asked}" {response.status_code} "{onward}"\n')
            return response

        patch.setattr(httpx.AsyncClient, "send", watched)


@contextlib.asynccontextmanager
async def listening(url: str, namespace: str) -> AsyncIterator[list[bytes]]:
    """Bodies and headers of all events that are published meanwhile."""
    found: list[bytes] = []
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(
            f"{namespace}.events", aio_pika.ExchangeType.TOPIC, durable=True
        )
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            async with message.process():
                found.append(message.body + json.dumps(message.headers, default=str).encode())

        await queue.consume(take)
        yield found


async def rows(database_url: str) -> AsyncIterator[tuple[str, str]]:
    """Each row of each table of a database as text, with the name of the table."""
    connection = await connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for table in tables:
            for row in await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t"):
                yield table["name"], row["row"]
    finally:
        await connection.close()


def readings(text: str) -> Iterator[str]:
    """The text, and what its binary values are when read as text or as base64."""
    yield text
    for found in HEX.finditer(text):
        yield bytes.fromhex(found[1][: len(found[1]) // 2 * 2]).decode("latin-1")
    for word in re.findall(r"[A-Za-z0-9+/_-]{16,}", text):
        with contextlib.suppress(ValueError):
            padded = word + "=" * (-len(word) % 4)
            yield base64.urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")).decode("latin-1")


def seen_in(text: str, numbers: set[str]) -> set[str]:
    """The numbers that a text contains."""
    return {number for reading in readings(text) for number in numbers if number in reading}


async def change_phone(person: Person, new: str) -> None:
    """With a code to either number, from one browser."""
    sent = expect(await person.identity("POST", "/me/phone/codes", json={"phone": new}), 202)
    base = {"ticket": sent["ticket"]}
    expect(await person.identity("POST", "/me/phone/codes", json=base), 202)
    holder = Person(person.system, new)
    body = {
        "phone": new,
        **base,
        "code": await holder.last_code(),
        "current_code": await person.last_code(),
    }
    expect(await person.identity("POST", "/me/phone", json=body))
    await holder.http.aclose()


async def next_second() -> None:
    """Wait until tokens are told apart from those just revoked: `iat` has whole seconds (ADR 0002)."""
    await asyncio.sleep(1 - time.time() % 1)


async def mistakes(person: Person, number: str, identity: str) -> None:
    """Requests that are refused, with numbers in all places."""
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/sms-codes", {"phone": person.phone, "purpose": "nonsense"}),
        ("/sms-codes", {"phone": f"{person.phone}1", "purpose": "sign_in"}),
        ("/sms-codes", {"phone": person.phone, "purpose": "sign_in", "extra": person.phone}),
        ("/accounts", {"phone": person.phone, "code": "000000", "name": person.phone, "ticket": "x"}),
        ("/me/real-name", {"id_number": number[:-1] + ("0" if number[-1] != "0" else "1"), "consent": True}),
        ("/me/real-name", {"id_number": number, "consent": person.phone}),
        ("/me/real-name", {"id_number": number, "consent": False}),
    ]
    for path, body in bodies:
        assert (await person.identity("POST", path, json=body)).status_code >= 400
    broken = await person.http.post(f"{identity}/api/v1/sms-codes", content=f'{{"phone": "{person.phone}"')
    assert broken.status_code >= 400


async def invite_by_table(admin: Person, invited: str) -> None:
    """A table with a right row and a wrong one, sent."""
    unit = expect(await admin.identity("GET", "/me"))["unit_id"]
    table = f"手机号,姓名,角色,职务\n{invited},王小红,经办人,\n{invited}9,王小红,经办人,\n".encode()
    about = {"unit_id": unit, "file_name": "人员.csv"}
    batch = expect(await admin.identity("POST", "/invite-batches", params=about, content=table), 201)
    path = f"/invite-batches/{batch['id']}"
    rows = expect(await admin.identity("GET", f"{path}/rows"))
    assert len(rows["items"]) == 2
    expect(await admin.identity("POST", f"{path}/send"), 200, 202)
    async with Person(admin.system, invited) as person:
        async for _ in moments(pause=0.1):
            inbox = await person.http.get(
                f"{admin.system.identity}{DEV_INBOX}.json", params={"phone": invited}
            )
            if "邀请码" in inbox.text:
                return
    raise AssertionError("nobody was invited")


async def lose_number(person: Person, name: str, number: str, found: str) -> None:
    """Ask for one's account from another number; an administrator would have to decide."""
    api = f"{person.system.identity}/api/v1"
    async with Person(person.system, found) as other:
        sent = expect(
            await other.http.post(f"{api}/sms-codes", json={"phone": found, "purpose": "recover"}), 202
        )
        body = {
            "phone": found,
            "ticket": sent["ticket"],
            "code": await other.last_code(),
            "name": name,
            "id_number": number,
            "old_phone": person.phone,
        }
        expect(await other.http.post(f"{api}/phone-recoveries", json=body), 202)


async def recoveries(admin: Person) -> Any:
    """Those that wait for a decision, once the job has looked for the account."""
    found = []
    async for _ in moments(pause=0.1):
        found = expect(await admin.identity("GET", "/phone-recoveries"))["items"]
        if found:
            break
    return found


async def copy_of_data(person: Person) -> None:
    """Have a copy of one's data made, and take it: only the copy has the number."""
    made = expect(await person.identity("POST", "/me/exports"), 202)
    async for _ in moments(pause=0.1):
        answer = await person.identity("GET", f"/me/exports/{made['id']}/file")
        if answer.status_code == 200:
            return
    raise AssertionError(answer.text)


async def notice(story: Story) -> None:
    """One is published and signed; `test_main_job` has it pass through the whole country."""
    async with story.person(CENTRE) as centre, story.person("370000", 1) as handler:
        written = await steps.prepare(story, centre)
        expect(await centre.office("POST", f"/notices/{written}/publish"))
        expect(await handler.office("POST", f"/notices/{written}/sign"), 200, 201)


async def hint(person: Person) -> None:
    """A client names the person's number in its request; the page of signing in has it filled in."""
    asked = {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": person.system.callback,
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "prompt": "login",
        "login_hint": person.phone,
    }
    url = f"{person.system.identity}/authorize"
    answer = await person.http.get(url, params=asked, extensions={"by_client": True})
    while answer.status_code == 303:
        answer = await person.http.get(person.system.identity + answer.headers["location"])
    assert f'value="{person.phone}"' in answer.text


async def poison(url: str, namespace: str, events: list[bytes], database_url: str) -> None:
    """Publish an event about a person once more, broken, as a faulty release would; its readers give up."""
    bodies = [json.JSONDecoder().raw_decode(event.decode())[0] for event in events]
    body = next(body for body in reversed(bodies) if body["type"] == PersonChangedV1.type)
    body |= {"id": str(new_id()), "data": {**body["data"], "name": {"is": "no text"}}}
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(f"{namespace}.events")
        message = aio_pika.Message(json.dumps(body).encode(), content_type="application/cloudevents+json")
        await exchange.publish(message, body["type"])
    async for _ in moments(pause=0.1):
        dead = [row async for table, row in rows(database_url) if table == DEAD_LETTERS]
        if any(body["id"] in row for row in dead):
            assert any(seen_in(row, {'"specversion"'}) for row in dead), "the whole message is read"
            return
    raise AssertionError("nobody gave the event up")


async def test_no_number_appears_in_clear_after_a_whole_story(
    running: Any, rabbitmq_url: str, event_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = Urls(running.logs / "access.log")
    urls.follow(monkeypatch)
    story, system = Story(running.system), running.system
    async with listening(rabbitmq_url, event_namespace) as events:
        await steps.step1_join(story)
        await steps.step2_sign_in(story)
        await notice(story)
        await step4_cockpit(story, wait_for_expiry=False)
        teacher = story.teacher
        assert teacher is not None
        number, old, new = id_number(), teacher.phone, f"139{secrets.randbelow(10**8):08d}"
        await mistakes(teacher, number, system.identity)
        verified = await teacher.identity(
            "POST", "/me/real-name", json={"id_number": number, "consent": True}
        )
        assert verified.json()["id_number_masked"].endswith(number[-4:])
        await change_phone(teacher, new)
        await next_second()
        teacher.phone = new
        teacher.forget_tokens()
        teacher.http.cookies.clear()
        me = expect(await teacher.identity("GET", "/me"))
        admin = story.person(COUNTY)
        expect(await admin.identity("GET", "/search/people", params={"q": new[-4:]}))
        invited, lost = (f"13{digit}{secrets.randbelow(10**8):08d}" for digit in (6, 7))
        await invite_by_table(admin, invited)
        await copy_of_data(teacher)
        await hint(teacher)
        await lose_number(teacher, me["name"], number, lost)
        (waiting,) = await recoveries(admin)
        assert waiting["id_matched"], "the number was compared"
        await steps.step5_suspend(story)
        await poison(rabbitmq_url, event_namespace, events, running.environment["ZHUXUE_OFFICE_DATABASE_URL"])

    own = {old, new, invited, lost, number, number[:-1]}
    numbers = own | {person.phone for staff in story.staff.values() for person in staff}
    assert len(numbers) > 1000
    leaks: dict[str, set[str]] = {}
    counted: dict[str, int] = {}
    dead = 0
    for service in ("IDENTITY", "OFFICE", "COCKPIT"):
        async for table, row in rows(running.environment[f"ZHUXUE_{service}_DATABASE_URL"]):
            counted[service] = counted.get(service, 0) + 1
            dead += table == DEAD_LETTERS
            if found := seen_in(row, own) | fast(row, numbers):
                leaks[f"{service} {table}"] = found
    assert min(counted.values()) > 10, "the databases were read"
    assert dead, "there are dead letters"
    files = logs_and_facts(running.logs)
    assert urls.log in files
    for path in files:
        text = path.read_bytes().decode("latin-1")
        if found := seen_in(text, own - {number[:-1]}) | fast(text, numbers):
            leaks[path.name] = found
    for what, texts in (("events", [body.decode() for body in events]), ("urls", urls.seen)):
        assert len(texts) > 5, what
        whole = "\n".join(texts)
        if found := seen_in(whole, own - {number[:-1]}) | fast(whole, numbers):
            leaks[what] = found
    assert leaks == {}


def fast(text: str, numbers: set[str]) -> set[str]:
    """The phone numbers in a text, where there are too many numbers to look for each."""
    return numbers & set(re.findall(r"(?<!\d)1\d{10}(?!\d)", text))


def logs_and_facts(folder: Path) -> list[Path]:
    """The logs of the processes, and the files of the facts."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_search_for_numbers_finds_them_in_every_form() -> None:
    """Otherwise the test above would pass by not looking."""
    phone = "13812345678"
    forms = [
        f'{{"phone": "{phone}"}}',
        f"(1,{phone})",
        "\\x" + f"xx{phone}xx".encode().hex(),
        base64.urlsafe_b64encode(f'{{"p":"{phone}"}}'.encode()).decode(),
    ]
    assert all(seen_in(form, {phone}) == {phone} for form in forms)
    assert fast(f"a {phone} b", {phone}) == {phone}
    assert seen_in("138****5678", {phone}) == set()


def test_the_access_log_of_the_gateway_has_no_queries() -> None:
    """Addresses in it would show what clients and people write into them."""
    conf = (Path(__file__).parents[2] / "deploy/gateway/nginx.conf").read_text()
    (form,) = re.findall(r"log_format access .*?;", conf, re.DOTALL)
    assert re.findall(r"access_log [^;]+;", conf) == ["access_log /dev/stdout access;"]
    assert "$uri" in form
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer|arg_\w+|is_args)\b", form)
