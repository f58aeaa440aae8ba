"""Every list of the APIs has what screens need: a total, a bound, names beside ids."""

from pathlib import Path

import pytest

from onebox.lists import COMPLETE, FEEDS_OF_REPLICAS, ListOperation, lists, page
from onebox.reference import documents

DOCUMENTS = documents()
LISTS = list(lists(DOCUMENTS))
every_list = pytest.mark.parametrize("one", LISTS, ids=[f"{one.service} {one.id}" for one in LISTS])


def test_the_page_of_lists_is_current() -> None:
    page_of_lists = Path(__file__).parents[2] / "docs" / "api" / "lists.md"
    assert page_of_lists.read_text() == page(DOCUMENTS), "run `make snapshots`"


def test_a_bound_is_declared_for_existing_lists_without_pages_only() -> None:
    assert {one.id for one in LISTS if not one.paged} == set(COMPLETE)
    assert {one.id for one in LISTS} >= FEEDS_OF_REPLICAS


@every_list
def test_a_list_with_pages_has_a_total(one: ListOperation) -> None:
    assert one.total is (one.paged and one.id not in FEEDS_OF_REPLICAS)


@every_list
def test_an_id_has_a_name_beside_it(one: ListOperation) -> None:
    assert [field for field, name in one.ids() if name is None] == []


@every_list
def test_a_search_takes_two_chinese_characters(one: ListOperation) -> None:
    if one.search is not None:
        kinds = [one.parameters["q"]["schema"], *one.parameters["q"]["schema"].get("anyOf", ())]
        assert max(kind.get("minLength", 0) for kind in kinds) <= 2
        assert one.search
