"""SQL for the units that are looked at one by one: where each of them counts, and whether it has the notice.

These are the units that have changed since the notice was published, which are few, and those that a
statement names. All others are counted in groups of siblings.
The rules (docs/adr/0019-coverage-as-it-stood.md):

- A unit *has* a notice once a dispatch addresses it: from the time of the dispatch, or from the time at which
  the unit comes within its reach. It keeps the notice after a later move.
- A unit is *owed* a notice if it was active and addressed, or below a unit that was addressed and is expected
  to pass the notice on, at the time of a dispatch.
- Level, kind and stages are dated like places: filters ask for those of the time.
- Units that are owed the notice count, except closed units that have not signed and units that left the
  publisher's tree before the notice reached them. The publisher itself does not count.
- A unit counts at the place where the notice first reached it, and until then at its present place.

The statements are text: putting them together anew for each request took longer than running them.
"""

from functools import cache

ATTRIBUTES = ("level", "kind", "stages")
PRESENT = "u.placed_at > :published_at"
UNCHANGED = "(u.placed_at IS NULL OR u.placed_at <= :published_at)"
LATE = (
    "coalesce(CASE WHEN {delivered} THEN {deadline} ELSE CAST(:deadline AS timestamptz) END <= :late, false)"
)
"""Whether the deadline has passed: that of the sender, or of the notice until it is delivered."""


def is_late(of: str) -> str:
    """Return whether the deadline of the rows `of` has passed."""
    return LATE.format(delivered=f"{of}.deadline IS NOT NULL", deadline=f"{of}.deadline")


def passes(dispatch: str, unit: str) -> str:
    """Return whether the unit passes the filters of the dispatch."""
    return (
        f"(cardinality({dispatch}.levels) = 0 OR {unit}.level = ANY({dispatch}.levels))"
        f" AND (cardinality({dispatch}.kinds) = 0 OR {unit}.kind = ANY({dispatch}.kinds))"
        f" AND (cardinality({dispatch}.stages) = 0 OR {unit}.stages && {dispatch}.stages)"
    )


def addresses(dispatch: str, place: str, unit_id: str = "id") -> str:
    """Return whether a row of `special` addresses the unit at the place, which has its attributes then."""
    return f"""
        ({passes(dispatch, place)} AND (
            {dispatch}.reach = 'children' AND {dispatch}.unit_id = {place}.parent_id
            OR {dispatch}.reach = 'subtree'
               AND index({place}.path, text2ltree({dispatch}.sender)) BETWEEN 0 AND nlevel({place}.path) - 2
            OR {dispatch}.reach = 'picked' AND {names(dispatch, f"{place}.{unit_id}")}
        ))
    """


def attributes(place: str, unit: str) -> str:
    """Return the columns of the unit's attributes at the former place: those that filters ask for."""
    return ", ".join(f"coalesce({place}.{name}, {unit}.{name}) AS {name}" for name in ATTRIBUTES)


def then(unit: str, at: str) -> str:
    """Return a lateral relation with the attributes of the unit at a time."""
    return f"""LATERAL (
            SELECT {attributes("p", unit)} FROM (SELECT) one
                   LEFT JOIN former_places p ON p.unit_id = {unit}.id
                                            AND p.valid_from <= {at} AND p.valid_to > {at}
        )"""  # noqa: S608 - our names


def names(dispatch: str, unit_id: str) -> str:
    """Return whether the dispatch names the unit."""
    return f"""EXISTS (SELECT FROM forwarding_units k WHERE k.notice_id = :notice
                       AND k.forwarding_id = {dispatch}.id AND k.unit_id = {unit_id})"""  # nosec B608 - our names


SPECIAL = """special AS MATERIALIZED (
        -- Dispatches to others than all units directly below; there are few.
        SELECT f.id, f.unit_id, s.code AS sender, f.reach, f.levels, f.kinds, f.stages, f.onward,
               f.forwarded_at, f.deadline
        FROM forwardings f JOIN units s ON s.id = f.unit_id
        WHERE f.notice_id = :notice AND NOT f.plain
    ),"""


def _listed(of: str, special: bool) -> str:
    return ", " + ", ".join(f"{of}.{name}" for name in ATTRIBUTES) if special else ""


def _plainly(parent: str) -> str:
    return f"f.notice_id = :notice AND f.plain AND f.unit_id = {parent}"


def first(special: bool, matches: str) -> str:
    """Return a join of `w.deadline`, that of the first dispatch to reach a row; null if none does.

    `f` is the plain dispatch of the superior unit; `matches` whether the special dispatch `d` does.
    """
    if not special:
        return "CROSS JOIN LATERAL (SELECT f.deadline) w"
    return f"""
        LEFT JOIN LATERAL (
            SELECT o.deadline FROM (
                SELECT f.deadline, f.forwarded_at, f.id WHERE f.id IS NOT NULL
                UNION ALL SELECT d.deadline, d.forwarded_at, d.id FROM special d WHERE {matches}
            ) o ORDER BY o.forwarded_at, o.id LIMIT 1
        ) w ON true
    """  # noqa: S608 - our names


def _people_of(people: bool, unit_id: str) -> str:
    if not people:
        return "NULL::int"
    return f"coalesce((SELECT n.people FROM unit_people n WHERE n.unit_id = {unit_id}), 0)"  # noqa: S608 - our names


def _near(special: bool, people: bool, near: str) -> str:
    """Return the candidates that have not changed: those of `near`."""
    return f"""
        SELECT u.id, u.parent_id, u.path, w.deadline, false AS changed,
               {_people_of(people, "u.id")} AS people, true AS active, u.path AS stands, u.placed_at AS since
        FROM units u LEFT JOIN forwardings f ON {_plainly("u.parent_id")}
             {first(special, addresses("d", "u"))}
        WHERE ({near}) AND {UNCHANGED} AND u.status = 'active' AND u.id <> :publisher
          AND u.path <@ text2ltree(:publisher_path)
    """  # noqa: S608 - our names


_COUNTING = """counting AS MATERIALIZED (
        SELECT c.id, c.parent_id, c.path, c.deadline, c.changed, c.people, p.place,
               nlevel(c.path) < p.place + 3 AS alone
        FROM ({rows}) c CROSS JOIN LATERAL (SELECT index(c.path, text2ltree(:code)) AS place) p
    )"""


@cache
def unchanged(*, special: bool, near: str, people: bool = False) -> str:
    """Return `counting` as `places` does, for a scope in which nothing has changed since the notice, and in
    which all units are owed it (`Scope.simple`).
    """
    counting = _COUNTING.format(rows=_near(special, people, near))
    return " ".join(("WITH", SPECIAL if special else "", counting))


@cache
def places(
    *, special: bool, near: str, standing: str = "true", left: str = "true", people: bool = False
) -> str:
    """Return `WITH` and relations. `counting` has the units that count: id, parent_id, path, deadline (null:
    the notice has not reached it), changed, people, place (where in the path the scope's unit is), alone.

    `alone`: no group has it, because it is the scope's unit or directly below. `standing` limits the changed
    units `u` of the scope, `left` the former places `p`; `near` names the units `u` that have not changed.
    `people` is null unless they are wanted.
    """
    reached_specially = (
        f"""
            UNION ALL
            SELECT p.*, d.deadline, d.forwarded_at, d.id
            FROM moves p JOIN special d ON d.forwarded_at < p.valid_to AND {addresses("d", "p", "unit_id")}
        """  # noqa: S608 - our names
        if special
        else ""
    )
    here = first(special, addresses("d", "u"))
    before = first(special, addresses("d", "p", "unit_id"))
    return f"""
    WITH {SPECIAL if special else ""}
    last AS MATERIALIZED (
        SELECT max(f.forwarded_at) AS at FROM forwardings f WHERE f.notice_id = :notice
    ), standing AS MATERIALIZED (
        -- Units that have changed since, and stand in the scope now.
        SELECT u.id, u.parent_id, u.path, u.status, u.placed_at, u.level, u.kind, u.stages,
               {"coalesce(n.people, 0)" if people else "NULL::int"} AS people
        FROM units u {_PEOPLE if people else ""}
        WHERE {PRESENT} AND u.path <@ text2ltree(:path) AND {standing}
    ), places AS MATERIALIZED (
        -- All former places of these, and of units that have left.
        SELECT p.unit_id, p.valid_from, p.valid_to, p.parent_id, p.path, p.status
               {"," + attributes("p", "u") if special else ""}
        FROM former_places p {"JOIN units u ON u.id = p.unit_id" if special else ""}
        WHERE p.valid_to > :published_at AND p.unit_id IN (
            SELECT id FROM standing
            UNION
            SELECT p.unit_id
            FROM unnest(CAST(:paths AS text[])) s (path) JOIN former_places p ON p.path <@ text2ltree(s.path)
            WHERE p.valid_to > :published_at AND {left}
        )
    ), settled AS MATERIALIZED (
        -- Units that are owed the notice, and that it had reached before they changed. Most changes are so.
        SELECT p.unit_id AS id, p.parent_id, p.path, w.deadline
        FROM places p LEFT JOIN forwardings f ON {_plainly("p.parent_id")}
             {before}
        WHERE CAST(:all_owed AS boolean) AND p.status = 'active' AND p.valid_from <= :published_at
          AND p.valid_to > (SELECT at FROM last) AND p.path <@ text2ltree(:publisher_path)
          AND p.unit_id <> :publisher AND w.deadline IS NOT NULL
    ), moves AS MATERIALIZED (
        -- The places of the others.
        SELECT p.* FROM places p WHERE NOT EXISTS (SELECT FROM settled s WHERE s.id = p.unit_id)
    ), reached AS MATERIALIZED (
        -- The first place where a dispatch reached them.
        SELECT DISTINCT ON (unit_id) unit_id, parent_id, path, deadline
        FROM (
            SELECT p.*, f.deadline, f.forwarded_at, f.id
            FROM moves p JOIN forwardings f ON {_plainly("p.parent_id")} AND f.forwarded_at < p.valid_to
            {reached_specially}
        ) r
        ORDER BY unit_id, valid_from, forwarded_at, id
    ), candidates AS MATERIALIZED (
        -- `since`: how long it has stood at `stands`, its present place.
        SELECT u.id, u.parent_id, u.path, w.deadline, true AS changed, u.people, true AS active,
               u.path AS stands, u.placed_at AS since
        FROM standing u LEFT JOIN reached r ON r.unit_id = u.id
             LEFT JOIN forwardings f ON {_plainly("u.parent_id")}
             {here}
        WHERE r.unit_id IS NULL AND u.status = 'active' AND u.id <> :publisher
          AND NOT EXISTS (SELECT FROM settled s WHERE s.id = u.id)
          -- Who has opened since the last dispatch, is owed nothing.
          AND (u.placed_at <= (SELECT at FROM last) OR EXISTS (SELECT FROM moves p WHERE p.unit_id = u.id))
        UNION ALL
        SELECT r.unit_id, r.parent_id, r.path, r.deadline, true, u.people, u.status = 'active', u.path,
               u.placed_at
        FROM reached r LEFT JOIN standing s ON s.id = r.unit_id
             CROSS JOIN LATERAL (
                 SELECT s.status, s.path, s.placed_at, s.people WHERE s.id IS NOT NULL
                 UNION ALL
                 SELECT u.status, u.path, u.placed_at, {_people_of(people, "u.id")}
                 FROM units u WHERE s.id IS NULL AND u.id = r.unit_id
             ) u
        WHERE EXISTS (SELECT FROM unnest(CAST(:paths AS text[])) s (path) WHERE r.path <@ text2ltree(s.path))
          AND r.unit_id <> :publisher
          AND (u.status = 'active'
               OR EXISTS (SELECT FROM signatures g WHERE g.notice_id = :notice AND g.unit_id = r.unit_id))
        UNION ALL
        {_near(special, people, near)}
    ), sure AS MATERIALIZED (
        -- Where all units below the publisher are owed the notice, those that stood there then are.
        SELECT unit_id FROM moves
        WHERE CAST(:all_owed AS boolean) AND status = 'active' AND valid_from <= :published_at
          AND path <@ text2ltree(:publisher_path)
        UNION ALL
        SELECT id FROM candidates WHERE CAST(:all_owed AS boolean) AND NOT changed
    ), unsure AS MATERIALIZED (
        SELECT c.id FROM candidates c WHERE NOT EXISTS (SELECT FROM sure WHERE unit_id = c.id)
    ), stays AS (
        -- Where these stood, active, before the last dispatch.
        SELECT p.unit_id, p.path, p.valid_from AS since, p.valid_to AS until {_listed("p", special)}
        FROM moves p JOIN unsure ON unsure.id = p.unit_id
        WHERE p.status = 'active' AND p.valid_from <= {_LAST}
        UNION ALL
        SELECT c.id, c.stands, c.since, NULL {_listed("u", special)}
        FROM unsure JOIN candidates c ON c.id = unsure.id {"JOIN units u ON u.id = c.id" if special else ""}
        WHERE c.active AND (c.since IS NULL OR c.since <= {_LAST})
    ), lines AS MATERIALIZED (
        -- Each unit above them, and how far above.
        SELECT s.unit_id, s.since, s.until, a.code, CAST(a.place AS int) AS place, nlevel(s.path) AS length,
               string_to_array(ltree2text(s.path), '.') AS labels {_listed("s", special)}
        FROM stays s
             CROSS JOIN LATERAL unnest(string_to_array(ltree2text(s.path), '.'))
                                WITH ORDINALITY a (code, place)
        WHERE a.place < nlevel(s.path)
    ), senders AS MATERIALIZED (
        SELECT s.code, f.*
        FROM (SELECT DISTINCT code FROM lines) l JOIN units s ON s.code = l.code
             JOIN forwardings f ON f.notice_id = :notice AND f.unit_id = s.id
    ), owed AS (
        SELECT l.unit_id
        FROM lines l
             JOIN senders d ON d.code = l.code AND (l.since IS NULL OR d.forwarded_at >= l.since)
                            AND (l.until IS NULL OR d.forwarded_at < l.until)
        WHERE d.plain AND (d.onward OR l.place = l.length - 1)
              {_OWED_SPECIALLY if special else ""}
        UNION ALL SELECT unit_id FROM sure
    ), present AS MATERIALIZED (
        SELECT s.*, CASE WHEN t.id IS NULL THEN (SELECT u.status FROM units u WHERE u.id = s.id)
                         ELSE t.status END AS status,
               CASE WHEN t.id IS NULL THEN {_people_of(people, "s.id")} ELSE t.people END AS people
        FROM settled s LEFT JOIN standing t ON t.id = s.id
        WHERE EXISTS (SELECT FROM unnest(CAST(:paths AS text[])) o (path) WHERE s.path <@ text2ltree(o.path))
    ), {_COUNTING.format(rows=_COUNTED)}"""  # noqa: S608 - our names


_MEMBERS = "ANY(CAST(:members AS uuid[]))"


@cache
def named(*, special: bool, people: bool = False) -> str:
    """Return `places` for the units of the scope whose ids are `members`."""
    return places(
        special=special,
        near=f"u.id = {_MEMBERS} AND u.path <@ text2ltree(:path)",
        standing=f"u.id = {_MEMBERS}",
        left=f"p.unit_id = {_MEMBERS}",
        people=people,
    )


_COUNTED = """
            SELECT c.id, c.parent_id, c.path, c.deadline, c.changed, c.people
            FROM candidates c WHERE c.id IN (SELECT unit_id FROM owed)
            UNION ALL
            SELECT c.id, c.parent_id, c.path, c.deadline, true, c.people
            FROM present c WHERE c.status = 'active'
            UNION ALL
            SELECT c.id, c.parent_id, c.path, c.deadline, true, c.people
            FROM present c JOIN signatures g ON g.notice_id = :notice AND g.unit_id = c.id
            WHERE c.status <> 'active'
"""
# Of many units at once, which have changed: `unit_people` is looked through in the order of the changes, too.
_PEOPLE = "LEFT JOIN unit_people n ON n.unit_id = u.id AND n.placed_at > :published_at"
_LAST = "(SELECT at FROM last)"
_OWED_SPECIALLY = f"""
    OR d.reach = 'subtree' AND {passes("d", "l")}
    OR d.reach = 'children' AND EXISTS (
        SELECT FROM units r CROSS JOIN {then("r", "d.forwarded_at")} t
        WHERE r.code = l.labels[l.place + 1] AND {passes("d", "t")} AND (d.onward OR r.id = l.unit_id)
    )
    OR d.reach = 'picked' AND EXISTS (
        SELECT FROM units r
        WHERE r.code = ANY(l.labels[l.place + 1 : l.length]) AND {names("d", "r.id")}
          AND (d.onward OR r.id = l.unit_id)
    )
"""  # noqa: S608 - our names

RETURNED = """returned AS MATERIALIZED (
        -- Nobody waits for a unit any more whose return of the notice was confirmed, unless it has signed.
        SELECT r.unit_id FROM notice_returns r
        WHERE r.notice_id = :notice AND r.status = 'confirmed'
          AND NOT EXISTS (SELECT FROM signatures g WHERE g.notice_id = :notice AND g.unit_id = r.unit_id)
    )"""


def holder(path: str, *, special: bool) -> str:
    """Return a lateral relation with the nearest unit that has the notice, at `path` or above it."""
    here = former = ""
    if special:
        here = f"OR EXISTS (SELECT FROM special d WHERE {addresses('d', 'h')})"  # nosec B608 - our names
        former = f"""
            OR EXISTS (SELECT FROM (SELECT p.unit_id, p.parent_id, p.path, p.valid_to, {attributes("p", "h")}
                                    FROM former_places p WHERE p.unit_id = h.id) p
                       JOIN special d ON d.forwarded_at < p.valid_to AND {addresses("d", "p", "unit_id")})
        """  # noqa: S608 - our names
    return f"""LATERAL (
            SELECT h.id, h.code, h.name, h.path
            FROM unnest(string_to_array(ltree2text({path}), '.')) AS label (code)
                 JOIN units h ON h.code = label.code
            WHERE h.id = :publisher
               OR EXISTS (SELECT FROM forwardings f WHERE {_plainly("h.parent_id")})
               OR EXISTS (SELECT FROM former_places p JOIN forwardings f
                              ON {_plainly("p.parent_id")} AND f.forwarded_at < p.valid_to
                          WHERE p.unit_id = h.id)
               {here} {former}
            ORDER BY nlevel(h.path) DESC LIMIT 1
        )"""  # noqa: S608 - our names
