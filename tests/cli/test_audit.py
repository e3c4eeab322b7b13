"""`bitacora audit` on a running environment: sound as it is, and spoilt behind its back."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bitacora.audit.reading import Stores, stores_of
from bitacora.audit.until import until
from bitacora.embedded.environment import PROJECT, Environment
from tests.cli.conftest import BITACORA, TIMEOUT_S, Run

ARRIVED_WITHIN_S = 300  # a queue keeps back for minutes what a busy function did not take
COMMITS_OF_A_DEMO = 3
READING = re.compile(r"[a-z0-9]+:(Get|List|Query|Scan)[A-Za-z]*")


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
        lambda document: (
            document["verdict"] == "holds"
            and not document["behind"]
            and not document["looked_at"]["statuses behind"]
        ),
        at_most_s=ARRIVED_WITHIN_S,
    )


def named(document: dict[str, Any]) -> set[tuple[str, int, str]]:
    """What is found: stream, commit and kind. A reconcile that comes by parks what it meets."""
    return {
        (f["stream"], f["commit"], f["kind"]) for f in document["findings"] if f["kind"] != "parked"
    }


def demo(run: Run) -> str:
    """The stream of an order that is shipped and recorded everywhere."""
    done = run("demo", "--json")
    assert done.returncode == 0, done.stdout
    return f"order-{json.loads(done.stdout)['order_id']}"


def anchored(run: Run) -> None:
    """The heads as they are now, by the anchor function with its own role."""
    done = run("invoke", "anchor", "--event", "-", stdin="{}")
    assert json.loads(done.stdout)["complete"] is True, done.stderr


def audited_stack(
    outputs: Mapping[str, Any], folder: Path, credentials: Mapping[str, str]
) -> dict[str, Any]:
    """What `--outputs FILE audit` says with these credentials, and the exit code beside it."""
    saved = folder / "outputs.json"
    saved.write_text(json.dumps(outputs))
    done = subprocess.run(
        [str(BITACORA), "--outputs", str(saved), "audit", "--grace", "0", "--json"],
        env={**os.environ, **credentials},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if document["verdict"] == "holds" else 1)
    return document


def test_a_running_environment_holds(run: Run) -> None:
    demo(run)
    document = holds(run)
    assert document["findings"] == []
    looked_at = document["looked_at"]
    assert looked_at["commits"] >= COMMITS_OF_A_DEMO
    assert looked_at["read model rows"] == looked_at["statuses"] == looked_at["shipments"]
    assert looked_at["streams"] >= looked_at["shipments"], "heartbeats are streams too"
    assert looked_at["rows behind their head"] == looked_at["public events under way"] == 0
    done = run("audit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Verdict: holds")


def test_what_was_changed_behind_its_back_is_named(run: Run, environment: Environment) -> None:
    stores = stores_of(environment)
    altered, cut, edited, removed, told = (demo(run) for _ in range(5))
    holds(run)
    anchored(run)
    expected = {
        (altered, 2, "altered-commit"),
        # Row and status still show the payment as it was.
        (altered, COMMITS_OF_A_DEMO, "altered-row"),
        (cut, COMMITS_OF_A_DEMO, "ahead"),
        (cut, COMMITS_OF_A_DEMO, "cut-off"),
        (cut, COMMITS_OF_A_DEMO, "invented-event"),
        (edited, COMMITS_OF_A_DEMO, "altered-row"),
        ("", None, "altered-sum"),  # of the edited row's customer
        (removed, 1, "missing-event"),
        (told, COMMITS_OF_A_DEMO, "altered-row"),
    }
    with (
        commit_altered(stores, altered, 2),
        commit_deleted(stores, cut, COMMITS_OF_A_DEMO),
        row_edited(stores, edited),
        ledger_object_deleted(stores, f"events/{removed}/1/0.json"),
        status_edited(stores, told),
    ):
        document = audited(run, "--grace", "0")
        text = run("audit", "--grace", "0")
        alone = audited(run, "--stream", altered)
    assert named(document) == expected
    assert document["verdict"] == "violated"
    assert document["meanings"].keys() - {"parked"} == {kind for _, _, kind in expected}
    assert text.returncode == 1
    assert text.stdout.startswith("Verdict: violated, ")
    assert max(map(len, text.stdout.splitlines())) <= 100
    assert all(stream in text.stdout and kind in text.stdout for stream, _, kind in expected)
    assert [f["kind"] for f in alone["findings"] if f["kind"] != "parked"] == [
        "altered-commit",
        "altered-row",
        "altered-row",
    ]
    assert alone["looked_at"]["streams"] == 1
    assert holds(run)["looked_at"]["streams"] >= len({stream for stream, _, _ in expected}) - 1


def test_what_only_anchors_can_tell_is_named(run: Run, environment: Environment) -> None:
    """Somebody who may write everything but the anchors cuts a tail off in every store."""
    stores, cut = stores_of(environment), demo(run)
    holds(run)
    with tail_cut_off_everywhere(stores, cut):
        assert named(audited(run, "--grace", "0")) == set()
    anchored(run)
    with tail_cut_off_everywhere(stores, cut):
        document = audited(run, "--grace", "0")
        alone = audited(run, "--stream", cut, "--grace", "0")
    assert named(document) == {(cut, COMMITS_OF_A_DEMO, "cut-off")}
    assert named(alone) == named(document)
    assert document["anchored"]["lock"] == "GOVERNANCE for 90 days"
    assert document["anchored"]["up_to"] in document["anchored"]["note"]
    assert holds(run)["anchored"]["up_to"] == document["anchored"]["up_to"]


def test_a_stack_is_audited_with_rights_to_read(
    run: Run, environment: Environment, tmp_path: Path
) -> None:
    """The read model through the operations function, everything else directly."""
    demo(run)
    anchored(run)
    here = holds(run)
    there = audited_stack(environment.outputs, tmp_path, auditor(environment, "ada"))
    for of_orders in ("read model rows", "statuses", "ledger events", "shipments", "anchors"):
        assert there["looked_at"][of_orders] == here["looked_at"][of_orders]
    assert (there["verdict"], there["findings"]) == ("holds", [])
    assert there["anchored"] == here["anchored"]


def test_a_stack_whose_function_can_not_be_invoked_is_unknown(
    run: Run, environment: Environment, tmp_path: Path
) -> None:
    demo(run)
    functions = {**environment.outputs["functions"], "operations": "bitacora-embedded-anchor"}
    outputs = {**environment.outputs, "functions": functions}
    document = audited_stack(outputs, tmp_path, auditor(environment, "grace"))
    assert document["verdict"] == "unknown"
    assert "operations could not be invoked" in document["reason"]


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


def auditor(environment: Environment, name: str) -> dict[str, str]:
    """The environment of somebody who may do what docs/audit.md lists."""
    page = (PROJECT / "docs" / "audit.md").read_text()
    [listed] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    policy = json.loads(listed.replace("bitacora-dev", environment.outputs["prefix"]))
    *reading, invoking = policy["Statement"]
    assert all(READING.fullmatch(action) for one in reading for action in one["Action"])
    assert invoking["Action"] == "lambda:InvokeFunction"
    iam = environment.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": environment.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@contextmanager
def tail_cut_off_everywhere(stores: Stores, stream: str) -> Iterator[None]:
    """Its last commit, and what the read models and the ledger know of it."""
    last, before = (stored(stores, stream, COMMITS_OF_A_DEMO - n) for n in (0, 1))
    order_id, hash_ = stream.removeprefix("order-"), before["hash"]["B"]
    told = f"events/{stream}/{COMMITS_OF_A_DEMO}/0.json"
    gates = "UPDATE read_model.gates SET commit = commit + %s, hash = %s WHERE stream = %s"
    rows = (
        "UPDATE read_model.order_summary SET version = version + %s, status = %s, shipment_id = %s,"
        " updated_at = %s WHERE order_id = %s"
    )
    with (
        commit_deleted(stores, stream, COMMITS_OF_A_DEMO),
        ledger_object_deleted(stores, told),
        status_put_back(stores, stream, before),
        psycopg.connect(stores.database, autocommit=True) as session,
    ):
        found = session.execute(
            "SELECT shipment_id FROM read_model.order_summary WHERE order_id = %s", [order_id]
        ).fetchone()
        assert found
        session.execute(gates, [-1, hash_, stream])
        session.execute(rows, [-1, "confirmed", None, before["at"]["S"], order_id])
        yield
        session.execute(gates, [1, last["hash"]["B"], stream])
        session.execute(rows, [1, "shipped", found[0], last["at"]["S"], order_id])


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
def status_put_back(stores: Stores, stream: str, before: dict[str, Any]) -> Iterator[None]:
    """As the commit before the last one left it: paid, and not shipped yet."""
    where = {"TableName": stores.order_status_table}
    item = stores.dynamodb.get_item(**where, Key={"stream": {"S": stream}})["Item"]
    version = int(item["version"]["N"]) - 1
    earlier = {name: value for name, value in item.items() if name != "shipment_id"} | {
        **{name: before[name] for name in ("commit", "hash", "at")},
        "version": {"N": str(version)},
        "status": {"S": "confirmed"},
        "updated_at": before["at"],
    }
    stores.dynamodb.put_item(**where, Item=earlier)
    yield
    stores.dynamodb.put_item(**where, Item=item)


@contextmanager
def status_edited(stores: Stores, stream: str) -> Iterator[None]:
    for change in (1, -1):
        stores.dynamodb.update_item(
            TableName=stores.order_status_table,
            Key={"stream": {"S": stream}},
            UpdateExpression="SET paid = paid + :change",
            ExpressionAttributeValues={":change": {"N": str(change)}},
        )
        if change == 1:
            yield


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
