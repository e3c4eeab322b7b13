"""Who says what they have seen is never shown anything older, in whatever way they say it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reference_service.aws import generations
from reference_service.aws.order_tables import ORDERS
from reference_service.cqrs.commit import Commit
from tests.aws.orders import SHIPPED, order_commits, order_id
from tests.functions.stage import (
    LIST,
    ORDER,
    SUMMARY,
    Get,
    Keep,
    Project,
    Stage,
    body_of,
    http,
    log_event,
    problem,
)
from tests.order.ana import ANA

LISTS = (LIST, SUMMARY)


def order(number: int) -> list[Commit]:
    """Placed at version 1, paid and confirmed in one commit at version 3, shipped at 4."""
    return order_commits(number, SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:])


def after(**versions: int) -> dict[str, str]:
    """The parameter: after(n501=3)."""
    named = (f"{order_id(int(name[1:]))}:{version}" for name, version in versions.items())
    return {"after": ",".join(named)}


def poison(stage: Stage, *commits: Commit) -> None:
    """Deliver to the projector what nobody can read, in the place of the commits."""
    event = log_event(commits)
    event["Records"][0]["kinesis"]["data"] = "bm8ganNvbg=="
    assert stage.function("projector").handler(event, None) == {"batchItemFailures": []}


@pytest.mark.parametrize("route", LISTS)
def test_a_list_shows_what_the_caller_has_written(
    get: Get, keep: Keep, project: Project, route: str
) -> None:
    for number in (501, 502):
        keep(order(number))
        project(order(number)[:2])
    answer = get(route, query=after(n501=3, n502=1))
    assert answer["statusCode"] == 200
    text = answer["body"]
    assert "confirmed" in text if route == LIST else '"paid":8380' in text


@pytest.mark.parametrize("route", LISTS)
def test_until_then_it_tells_how_far_each_order_has_come(
    get: Get, keep: Keep, project: Project, route: str
) -> None:
    for number in (503, 504, 505):
        keep(order(number))
    project(order(503)[:2], order(504)[:1])
    answer = get(route, query=after(n503=3, n504=3, n505=1))
    assert problem(answer) == (503, "orders-not-yet-visible")
    assert answer["headers"]["retry-after"] == "1"
    assert body_of(answer)["orders"] == [
        {"order_id": order_id(503), "version": 3},
        {"order_id": order_id(504), "version": 1},
        {"order_id": order_id(505), "version": 0},
    ]


@pytest.mark.parametrize("route", LISTS)
def test_it_waits_for_what_is_on_its_way_with_one_question_per_look(
    stage_with_database: Stage, keep: Keep, project: Project, route: str
) -> None:
    numbers = range(511, 516)
    for number in numbers:
        keep(order(number))
        project(order(number)[:1])
    query = stage_with_database.function("query")
    asked: list[list[str]] = []
    shown = query.side.queries.shown

    def look(streams: Any) -> Any:
        asked.append(list(streams))
        if len(asked) == 3:
            project(*(order(number)[1:2] for number in numbers))
        return shown(streams)

    stage_with_database.monkeypatch.setattr(
        type(query.side.queries), "shown", lambda _, streams: look(streams)
    )
    wanted = after(**{f"n{number}": 3 for number in numbers})
    assert query.handler(http(route, subject=ANA, query=wanted), None)["statusCode"] == 200
    assert asked == [[f"order-{order_id(number)}" for number in numbers]] * 3


@pytest.mark.parametrize("route", LISTS)
def test_a_parked_order_is_not_waited_for(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project, route: str
) -> None:
    stage_with_database.monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    keep(order(521))
    project(order(521)[:1])
    poison(stage_with_database, *order(521)[1:])
    answer = get(route, query=after(n521=3))
    assert problem(answer) == (503, "orders-parked")
    assert answer["headers"]["retry-after"] == "60"
    (told,) = body_of(answer)["orders"]
    assert told == {"order_id": order_id(521), "version": 1, "parked": True}
    assert get(route, query=after(n521=1))["statusCode"] == 200, "so far it is shown"


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize("projected", [True, False])
def test_anothers_order_and_none_are_told_alike_and_at_once(
    stage_with_database: Stage,
    get: Get,
    keep: Keep,
    project: Project,
    route: str,
    projected: bool,
) -> None:
    stage_with_database.monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    keep(order(531))
    if projected:
        project(order(531))
    for version in (1, 9):
        theirs = get(route, subject="bob", query=after(n531=version))
        assert problem(theirs) == (404, "unknown-order")
        assert get(route, subject="bob", query=after(n539=version)) == theirs
        assert order_id(531) not in theirs["body"]


def test_anothers_parked_order_is_not_told_to_be_parked(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    keep(order(541))
    poison(stage_with_database, *order(541)[:1])
    for route, options in ((LIST, {"query": after(n541=1)}), (ORDER, {"number": 541})):
        assert problem(get(route, subject="bob", **options)) == (404, "unknown-order")
    assert problem(get(ORDER, 541)) == (503, "parked"), "its owner is told"
    assert problem(get(LIST, query=after(n541=1))) == (503, "orders-parked")


ID = order_id(1)


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        ID,
        f"{ID}:",
        f"{ID}:0",
        f"{ID}:-1",
        f"{ID}:1000000000",
        f"{ID}:{'9' * 5000}",
        f"{ID}:1.0",
        f"{ID}:\u0661",
        f"{ID}:1,",
        f",{ID}:1",
        f"{ID}:1;{ID}:2",
        f" {ID}:1",
        f"{ID.upper().replace('0', 'A')}:1",
        "no-uuid:1",
        f"order-{ID}:1",
        f"{ID}:1' OR '1'='1",
        "'; DELETE FROM read_model.gates; --:1",
        ",".join([f"{ID}:1"] * 11),
    ],
    ids=lambda text: text[:50],
)
def test_a_malformed_after_is_refused(get: Get, route: str, text: str) -> None:
    answer = get(route, query={"after": text})
    assert problem(answer) == (400, "bad-parameter")
    assert body_of(answer)["parameter"] == "after"


def test_ten_orders_may_be_named_and_one_twice(get: Get, keep: Keep, project: Project) -> None:
    numbers = range(551, 560)
    for number in numbers:
        keep(order(number)[:1])
        project(order(number)[:1])
    nine = after(**{f"n{number}": 1 for number in numbers})["after"]
    assert get(LIST, query={"after": f"{nine},{order_id(551)}:1"})["statusCode"] == 200
    told = get(LIST, query={"after": f"{nine},{order_id(551)}:2"})
    assert problem(told) == (503, "orders-not-yet-visible"), "the later version counts"


def test_an_order_that_has_not_changed_is_not_sent_again(get: Get, project: Project) -> None:
    project(order(561)[:2])
    tag = get(ORDER, 561)["headers"]["etag"]
    for text in (tag, f" W/{tag} "):
        answer = get(ORDER, 561, **{"if-none-match": text})
        assert (answer["statusCode"], answer["headers"]["etag"]) == (304, tag)
    project(order(561)[2:])
    changed = get(ORDER, 561, **{"if-none-match": tag})
    assert (changed["statusCode"], body_of(changed)["version"]) == (200, 4)


def test_a_tag_is_a_version_that_was_seen(get: Get, keep: Keep, project: Project) -> None:
    keep(order(562))
    project(order(562)[:1])
    answer = get(ORDER, 562, **{"if-none-match": '"3"'})
    assert problem(answer) == (503, "not-yet-visible")
    assert body_of(answer)["version"] == 1
    both = get(ORDER, 562, query={"min_version": "3"}, **{"if-none-match": '"1"'})
    assert problem(both) == (503, "not-yet-visible")


def test_a_strong_read_heeds_it_too(get: Get, keep: Keep) -> None:
    keep(order(563))
    strong = {"consistency": "strong"}
    assert get(ORDER, 563, query=strong, **{"if-none-match": '"4"'})["statusCode"] == 304
    assert get(ORDER, 563, query=strong, **{"if-none-match": '"3"'})["statusCode"] == 200
    answer = get(ORDER, 563, query=strong, **{"if-none-match": '"5"'})
    assert problem(answer) == (404, "no-such-version")
    assert body_of(answer)["parameter"] == "If-None-Match"
    past = get(ORDER, 563, query={"version": "3"}, **{"if-none-match": '"3"'})
    assert past["statusCode"] == 200, "what was so is not what is newer"


def test_a_parked_order_is_always_answered_whole(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    keep(order(564))
    project(order(564)[:1])
    poison(stage_with_database, *order(564)[1:])
    answer = get(ORDER, 564, **{"if-none-match": '"1"'})
    assert (answer["statusCode"], body_of(answer)["parked"]) == (200, True)


@pytest.mark.parametrize(
    "tag", ["3", '"x"', '"-1"', '"1", "2"', "*", '"1000000000"', "", '"\u0661"', "' OR 1=1"]
)
def test_a_tag_that_no_answer_gave_is_refused(get: Get, project: Project, tag: str) -> None:
    project(order(565))
    answer = get(ORDER, 565, **{"if-none-match": tag})
    assert problem(answer) == (400, "malformed-if-none-match")


@contextmanager
def swapped(stage: Stage) -> Iterator[str]:
    """Another generation is live, which shows nothing: a swap that has repaired nothing."""
    assert stage.read_side
    with stage.read_side.connect() as admin:
        before = stage.read_side.live().name
        with admin.transaction():
            admin.execute("SET LOCAL ROLE operations")
            name = generations.begin(admin, ORDERS)
            for statement in ORDERS.keyed(name):
                admin.execute(statement)
            admin.execute("UPDATE read_model.pointer SET live = %s, building = NULL", [name])
        try:
            yield name
        finally:
            with admin.transaction():
                admin.execute("SET LOCAL ROLE operations")
                admin.execute("UPDATE read_model.pointer SET live = %s", [before])
                generations.drop(admin, name)


def test_another_generation_shows_nothing_older_either(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    """Even if a swap brought one that lags: what was seen is waited for."""
    keep(order(571))
    project(order(571)[:2])
    tag = get(ORDER, 571)["headers"]["etag"]
    seen = {"query": {"min_version": "3"}}, {"if-none-match": tag}
    with swapped(stage_with_database):
        for had in seen:
            assert problem(get(ORDER, 571, **had)) == (503, "not-yet-visible")
        for route in LISTS:
            assert problem(get(route, query=after(n571=3))) == (503, "orders-not-yet-visible")
        project(order(571)[:1])
        for had in seen:
            assert problem(get(ORDER, 571, **had)) == (503, "not-yet-visible")
        project(order(571)[1:2])
        assert get(ORDER, 571, **seen[0])["statusCode"] == 200
        assert get(ORDER, 571, **seen[1])["statusCode"] == 304
        assert get(LIST, query=after(n571=3))["statusCode"] == 200
