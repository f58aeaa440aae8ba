"""What roles allow is replicated: by events in any order, and by a rebuild."""

from itertools import permutations

from sqlalchemy import delete, func, select

from contracts.identity import DirectoryLoadedV1, RoleChangedV1
from servicekit.db import Database
from servicekit.ids import new_id

from .replica_service import Identity, RoleAllowance, allowed, apply, rebuilt, replica_of, role, unit

HISTORY = (
    role("checker", 1, "notices.review"),
    role("checker", 2, "notices.review", "notices.read"),
    role("checker", 3, retired=True),
    role("handler", 1, "notices.draft"),
)


async def test_the_newest_state_of_a_role_is_kept_whatever_the_order(database: Database) -> None:
    for events in permutations(HISTORY):
        async with database.transaction() as session:
            await session.execute(delete(RoleAllowance))
        await apply(database, replica_of(roles=True), *events, events[0])
        assert await allowed(database) == {"checker": (3, []), "handler": (1, ["notices.draft"])}


async def test_a_permission_of_a_later_release_is_kept(database: Database) -> None:
    await apply(database, replica_of(roles=True), role("checker", 1, "surveys.answer"))
    assert await allowed(database) == {"checker": (1, ["surveys.answer"])}


async def test_a_service_that_asks_nothing_of_roles_does_not_subscribe_to_them(database: Database) -> None:
    assert RoleChangedV1 not in replica_of().types
    assert RoleChangedV1 in replica_of(roles=True).types
    await apply(database, replica_of(), role("checker"))
    assert await allowed(database) == {}


async def test_a_rebuild_reads_all_roles_and_keeps_newer_ones(database: Database, identity: Identity) -> None:
    identity.lists["units"] = [unit("370102")]
    identity.lists["roles"] = [role(f"role{number}", 2, "notices.read") for number in range(5)]
    newer = role("role3", 3, "notices.review")
    await apply(database, replica_of(roles=True), role("role1", 1), newer)
    await apply(database, replica_of(roles=True), DirectoryLoadedV1(load_id=new_id(), units=1, people=0))
    await rebuilt(database, identity, roles=True)
    expected = {f"role{number}": (2, ["notices.read"]) for number in range(5)}
    assert await allowed(database) == {**expected, "role3": (3, ["notices.review"])}
    assert identity.requests.count("roles") == 3
    # Nothing has changed, so a second rebuild writes nothing new.
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(RoleAllowance)) == 5
