"""Traces: W3C Trace Context of requests, of calls that they make, and in log lines."""

import json
import re

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servicekit import tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
hexadecimal = st.text("0123456789abcdef", min_size=2, max_size=32)
almost = st.builds("-".join, st.lists(st.one_of(hexadecimal, st.text(max_size=3)), min_size=1, max_size=6))


def valid(header: str) -> bool:
    """Trace Context §3.2.2, and §4.3 for versions to come, read one field after another."""
    version, *fields = header.split("-")
    if not re.fullmatch(r"[0-9a-f]{2}", version) or version == "ff":
        return False
    if len(fields) < 3 or (version == "00" and len(fields) != 3):
        return False
    return all(
        len(field) == length and set(field) <= set("0123456789abcdef")
        for field, length in zip(fields, (32, 16, 2), strict=False)
    ) and all(set(field) != {"0"} for field in fields[:2])


@given(header=st.one_of(st.text(), almost))
@example(header=f"00-{TRACE}-{SPAN}-01")
@example(header=f"cc-{TRACE}-{SPAN}-01-what-comes")
@example(header=f"00-{TRACE}-{SPAN}-01-what-comes")
@example(header=f"ff-{TRACE}-{SPAN}-01")
@example(header=f"00-{'0' * 32}-{SPAN}-01")
@example(header=f"00-{TRACE}-{'0' * 16}-01")
@example(header=f"00-{TRACE.upper()}-{SPAN}-01")
@example(header=f"00-{TRACE}-{SPAN}-01\n")
def test_a_valid_parent_is_continued_and_any_other_begins_a_trace(header: str) -> None:
    span = tracing.span_in(header)
    assert valid(span.traceparent)
    if valid(header):
        assert (span.trace_id, span.parent_id) == tuple(header.split("-")[1:3])
        assert span.sampled == bool(int(header.split("-")[3], 16) & 1)
    else:
        assert span.parent_id is None
        assert span.trace_id not in header
    assert span.span_id not in header


@given(headers=st.lists(st.tuples(st.sampled_from([b"traceparent", b"host"]), st.binary()), max_size=4))
def test_several_parents_are_as_good_as_none(headers: list[tuple[bytes, bytes]]) -> None:
    parents = [value for name, value in headers if name == b"traceparent"]
    found = tracing.given(headers)
    assert found == (parents[0].decode("latin-1") if len(parents) == 1 else None)
    assert valid(tracing.span_in(found).traceparent)


async def test_calls_and_log_lines_have_the_span_in_which_they_are_made() -> None:
    sent: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(204)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), event_hooks=tracing.HOOKS) as client:
        with tracing.continued(f"00-{TRACE}-{SPAN}-01") as span:
            await client.get("http://office.test/")
            line = tracing.add_ids(None, "info", {"event": "request"})
        await client.get("http://office.test/")
    assert sent[0]["traceparent"] == span.traceparent == f"00-{TRACE}-{span.span_id}-01"
    assert line == {"event": "request", "trace_id": TRACE, "span_id": span.span_id}
    assert "traceparent" not in sent[1]
    assert tracing.traceparent() is None


async def test_a_request_is_a_span_of_its_own_and_never_refused_for_its_parent(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    parents = [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01", "00-nonsense", ""]
    for parent in parents:
        answer = await client.get("/livez", headers={"traceparent": parent})
        assert answer.status_code == 200
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    first, second, *others = [line for line in lines if line["event"] == "request"]
    assert (first["trace_id"], first["parent_id"]) == (TRACE, SPAN)
    assert (second["trace_id"], second["parent_id"]) == (TRACE, SPAN)
    assert len({SPAN, first["span_id"], second["span_id"]}) == 3
    assert [line["parent_id"] for line in others] == [None, None]
    assert len({TRACE, *(line["trace_id"] for line in others)}) == 3
