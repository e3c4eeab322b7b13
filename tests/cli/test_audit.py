"""`bitacora audit` on a running environment: sound as it is, and spoilt behind its back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from bitacora.audit.reading import Stores, stores_of
from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from tests.cli.conftest import Run

ARRIVED_WITHIN_S = 120
COMMITS_OF_A_DEMO = 3


def audited(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("audit", "--json", *arguments)
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if document["verdict"] == "holds" else 1)
    assert done.stderr == ""
    return document


def holds(run: Run) -> dict[str, Any]:
    """What the audit says once everything has arrived."""
    return until(
        "an audit that holds",
        lambda: audited(run, "--grace", "0"),
        lambda document: document["verdict"] == "holds" and not document["behind"],
        at_most_s=ARRIVED_WITHIN_S,
    )


def demo(run: Run) -> str:
    """The stream of an order that is shipped and recorded everywhere."""
    done = run("demo", "--json")
    assert done.returncode == 0, done.stdout
    return f"order-{json.loads(done.stdout)['order_id']}"


def test_a_running_environment_holds(run: Run) -> None:
    demo(run)
    document = holds(run)
    assert document["findings"] == []
    looked_at = document["looked_at"]
    assert looked_at["commits"] >= COMMITS_OF_A_DEMO
    assert looked_at["read model rows"] == looked_at["streams"] == looked_at["shipments"]
    assert looked_at["rows behind their head"] == looked_at["public events under way"] == 0
    done = run("audit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Verdict: holds")


def test_what_was_changed_behind_its_back_is_named(run: Run, environment: Environment) -> None:
    stores = stores_of(environment)
    altered, cut, edited, removed = (demo(run) for _ in range(4))
    holds(run)
    expected = {
        (altered, 2, "altered-commit"),
        # The row still shows the payment as it was.
        (altered, COMMITS_OF_A_DEMO, "altered-row"),
        (cut, COMMITS_OF_A_DEMO, "ahead"),
        (cut, COMMITS_OF_A_DEMO, "invented-event"),
        (edited, COMMITS_OF_A_DEMO, "altered-row"),
        (removed, 1, "missing-event"),
    }
    with (
        commit_altered(stores, altered, 2),
        commit_deleted(stores, cut, COMMITS_OF_A_DEMO),
        row_edited(stores, edited),
        ledger_object_deleted(stores, f"events/{removed}/1/0.json"),
    ):
        document = audited(run, "--grace", "0")
        text = run("audit", "--grace", "0")
        alone = audited(run, "--stream", altered)
    assert {(f["stream"], f["commit"], f["kind"]) for f in document["findings"]} == expected
    assert document["verdict"] == "violated"
    assert document["meanings"].keys() == {kind for _, _, kind in expected}
    assert text.returncode == 1
    assert text.stdout.startswith("Verdict: violated, 6 findings in 4 streams.")
    assert max(map(len, text.stdout.splitlines())) <= 100
    assert all(stream in text.stdout and kind in text.stdout for stream, _, kind in expected)
    assert [finding["kind"] for finding in alone["findings"]] == [
        "altered-commit",
        "altered-row",
    ]
    assert alone["looked_at"]["streams"] == 1
    assert holds(run)["looked_at"]["streams"] >= len(expected) - 1


def test_without_the_read_model_nothing_is_known(run: Run, environment: Environment) -> None:
    demo(run)
    environment.postgres.stop()
    try:
        document = audited(run)
    finally:
        environment.postgres.start()
    assert document["verdict"] == "unknown"
    assert "could not be read" in document["reason"]


@pytest.mark.parametrize("stream", ["order-1", "shipment-1", "x' OR '1'='1", "order-/../"])
def test_a_stream_that_is_nowhere_is_unknown(run: Run, stream: str) -> None:
    assert audited(run, "--stream", stream)["verdict"] == "unknown"


@contextmanager
def commit_altered(stores: Stores, stream: str, number: int) -> Iterator[None]:
    item = stored(stores, stream, number)
    body = {"S": item["body"]["S"].replace('"amount":{"amount":', '"amount":{"amount":1')}
    assert body != item["body"]
    stores.dynamodb.put_item(TableName=stores.events_table, Item={**item, "body": body})
    yield
    stores.dynamodb.put_item(TableName=stores.events_table, Item=item)


@contextmanager
def commit_deleted(stores: Stores, stream: str, number: int) -> Iterator[None]:
    item = stored(stores, stream, number)
    stores.dynamodb.delete_item(TableName=stores.events_table, Key=key(stream, number))
    yield
    stores.dynamodb.put_item(TableName=stores.events_table, Item=item)


@contextmanager
def row_edited(stores: Stores, stream: str) -> Iterator[None]:
    change = "UPDATE read_model.order_summary SET paid = paid + %s WHERE order_id = %s"
    order_id = stream.removeprefix("order-")
    with psycopg.connect(stores.database, autocommit=True) as session:
        session.execute(change, [1, order_id])
        yield
        session.execute(change, [-1, order_id])


@contextmanager
def ledger_object_deleted(stores: Stores, name: str) -> Iterator[None]:
    where = {"Bucket": stores.ledger_bucket, "Key": name}
    body = stores.s3.get_object(**where)["Body"].read()
    stores.s3.delete_object(**where)
    yield
    stores.s3.put_object(**where, Body=body)


def stored(stores: Stores, stream: str, number: int) -> dict[str, Any]:
    answer = stores.dynamodb.get_item(TableName=stores.events_table, Key=key(stream, number))
    item: dict[str, Any] = answer["Item"]
    return item


def key(stream: str, number: int) -> dict[str, Any]:
    return {"stream": {"S": stream}, "commit": {"N": str(number)}}
