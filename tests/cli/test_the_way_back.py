"""What failed comes back by commands: on a running environment, after real faults."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bitacora.audit.reading import Stores, stores_of
from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from features.harness.customers import ORDER, Customer, Request
from features.harness.history import History
from reference_service.aws.items import from_item, to_item
from reference_service.cqrs.commit import Commit, following
from tests.cli.conftest import Run
from tests.cqrs.toy import cause

ARRIVES_WITHIN_S = 60


@pytest.fixture
def stores(environment: Environment) -> Stores:
    return stores_of(environment)


def demo(run: Run) -> str:
    """The stream of an order that is shipped."""
    done = run("demo", "--json")
    assert done.returncode == 0, done.stdout
    return f"order-{json.loads(done.stdout)['order_id']}"


def parked(run: Run, stream: str) -> dict[str, dict[str, Any]]:
    """The markers of a stream by consumer."""
    done = run("parked", stream, "--json")
    found = json.loads(done.stdout)["parked"]
    assert done.returncode == (1 if found else 0)
    assert done.stderr == ""
    return {one["consumer"]: one for one in found}


def parked_by(run: Run, stream: str, *consumers: str) -> dict[str, dict[str, Any]]:
    return until(
        f"{stream} is parked by {consumers}",
        lambda: parked(run, stream),
        lambda found: set(found) >= set(consumers),
        at_most_s=ARRIVES_WITHIN_S,
    )


def cancellation(stores: Stores, stream: str) -> Commit:
    """What would be the next commit of an order that was only placed."""
    answer = stores.dynamodb.get_item(
        TableName=stores.events_table, Key={"stream": {"S": stream}, "commit": {"N": "1"}}
    )
    first = from_item(answer["Item"])
    cancelled = {"type": "OrderCancelled", "v": 1, "data": {"reason": "changed_mind"}}
    return following(
        first,
        stream=stream,
        cause=cause("the-way-back"),
        body=json.dumps([cancelled]),
        count=1,
        at=first.at,
        commit_id=f"{stream}-2",
    )


@contextmanager
def poisoned(stores: Stores, stream: str) -> Iterator[None]:
    """A next commit without its hash: neither the relay nor the publisher can read it."""
    item = to_item(cancellation(stores, stream))
    stores.dynamodb.put_item(
        TableName=stores.events_table,
        Item={name: value for name, value in item.items() if name != "hash"},
    )
    try:
        yield
    finally:
        stores.dynamodb.put_item(TableName=stores.events_table, Item=item)


def test_a_poisoned_commit_is_named_and_comes_back_when_it_is_mended(
    run: Run, environment: Environment, stores: Stores
) -> None:
    stream, number = placed(environment), 2
    with poisoned(stores, stream):
        found = parked_by(run, stream, "relay", "publisher")
        assert {one["commit"] for one in found.values()} == {number}
        assert all(one["since"] and "`hash`" in one["fault"] for one in found.values())
        text = run("parked", stream).stdout
        assert f"relay stopped at commit {number} of {stream}" in text
        table, _, advice = run("parked").stdout.partition("\n\n")
        assert max(map(len, table.splitlines())) <= 100
        assert advice.count("--home") == 3

        done = run("repair", "--all", "--json")
        assert done.returncode == 1
        [tried] = [one for one in json.loads(done.stdout)["streams"] if one["stream"] == stream]
        everybody = {"orders", "order_status", "relay", "publisher"}
        assert set(tried["parked"]) == everybody
        assert [to for name, _, to in tried["steps"] if name == "orders"] == [number - 1]
        parked_by(run, stream, *everybody)
        assert "still parked" in run("republish", stream).stdout

    healed = run("repair", stream)
    assert healed.returncode == 0, healed.stdout
    assert "1 of 1 streams are healed" in healed.stdout
    assert parked(run, stream) == {}
    assert run("republish", stream).returncode == 0
    assert run("repair", "--all").stdout.startswith("Nothing is parked.")
    document = until(
        "an audit that holds",
        lambda: json.loads(run("audit", "--json", "--stream", stream).stdout),
        lambda audit: audit["verdict"] == "holds",
        at_most_s=ARRIVES_WITHIN_S,
    )
    assert document["findings"] == []


def test_a_commit_that_others_can_read_is_shown_without_its_data(run: Run, stores: Stores) -> None:
    stream = demo(run)
    stores.dynamodb.put_item(
        TableName=stores.parked_table,
        Item={
            "consumer": {"S": "publisher"},
            "stream": {"S": stream},
            "commit": {"N": "1"},
            "reason": {"S": "a reason"},
        },
    )
    text = run("parked", stream).stdout
    assert "OrderPlaced v" in text
    assert "since   not known" in text
    assert "correlation" in text
    assert "lines" not in text
    assert run("republish", "--all").returncode == 0
    assert run("parked", stream).stdout == f"{stream} is not parked.\n"


@pytest.mark.parametrize("command", ["repair", "republish"])
def test_a_stream_that_is_nowhere_is_told(run: Run, command: str) -> None:
    done = run(command, "order-00000000-0000-4000-8000-00000000beef", "nonsense")
    assert done.returncode == 1
    assert done.stdout.count("the event store has no such") == 2


def test_a_dead_letter_of_the_ledger_is_recorded_when_it_is_sent_again(
    run: Run, environment: Environment, stores: Stores
) -> None:
    stream = demo(run)
    where = {"Bucket": stores.ledger_bucket, "Key": f"events/{stream}/1/0.json"}
    body = stores.s3.get_object(**where)["Body"].read().decode()
    stores.s3.delete_object(**where)
    [poison, letter] = put(environment, "ledger-dlq", "no event", body)

    listed = run("dead-letters")
    assert (listed.returncode, "ledger-dlq" in listed.stdout) == (1, True)
    shown = run("dead-letters", "ledger-dlq")
    assert shown.returncode == 1
    assert f"{letter}  OrderPlaced\n  {stream}/1/0\n" in shown.stdout
    assert f"{poison}  unreadable" in shown.stdout
    assert json.loads(body)["data"]["customer_id"] not in shown.stdout
    assert body in run("dead-letters", "ledger-dlq", "--body").stdout

    done = run("redrive", "ledger-dlq", letter)
    assert (done.returncode, done.stdout) == (0, "ledger-dlq: 1 messages sent once more.\n")
    until(
        "the event is in the ledger",
        lambda: stores.s3.list_objects_v2(Bucket=where["Bucket"], Prefix=where["Key"]),
        lambda answer: answer["KeyCount"] == 1,
        at_most_s=ARRIVES_WITHIN_S,
    )
    assert run("redrive", "ledger-dlq", letter).returncode == 1
    absent = run("dead-letters", "ledger-dlq", poison, letter)
    assert (absent.returncode, letter in absent.stderr) == (1, True)
    poison_goes_into_a_file(run, environment.home / "letters.jsonl", poison)


def poison_goes_into_a_file(run: Run, file: Path, poison: str) -> None:
    assert run("dead-letters", "ledger-dlq", "--delete-saved", str(file)).returncode == 2
    assert run("dead-letters", "ledger-dlq", poison, "--save", str(file)).returncode == 1
    assert json.loads(file.read_text())["id"] == poison
    deleted = run("dead-letters", "ledger-dlq", "--delete-saved", str(file))
    assert (deleted.returncode, deleted.stdout) == (0, "1 messages deleted.\n")
    assert run("dead-letters").stdout == "No queue holds dead letters.\n"


def test_an_invocation_that_failed_is_done_when_it_is_sent_again(
    run: Run, environment: Environment
) -> None:
    """As Lambda records it, and as EventBridge does when it could not invoke the function."""
    events = environment.client("events")
    prefix = environment.outputs["prefix"]
    rule = f"{prefix}-reconcile"
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    failed = {
        "requestContext": {"requestId": "r", "functionArn": target["Arn"]},
        "requestPayload": {"operation": "reconcile"},
    }
    put(environment, "operations-dlq", json.dumps(failed))
    tick = {"detail-type": "Scheduled Event", "id": "t", "source": "aws.events", "detail": {}}
    put(
        environment,
        "operations-dlq",
        json.dumps(tick),
        RULE_ARN=f"arn:aws:events:us-east-1:000000000000:rule/{rule}",
        TARGET_ARN=target["Arn"],
        ERROR_CODE="NO_PERMISSIONS",
    )
    [unheard] = put(environment, "operations-dlq", json.dumps({"operation": "dance"}))
    done = run("redrive", "operations-dlq", "--all", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, len(told["sent"]), list(told["kept"])) == (1, 2, [unheard])
    assert "dance" in told["kept"][unheard]
    shown = run("dead-letters", "operations-dlq", "--json")
    assert [one["id"] for one in json.loads(shown.stdout)["messages"]] == [unheard]
    file = environment.home / "unheard.jsonl"
    run("dead-letters", "operations-dlq", "--save", str(file))
    assert run("dead-letters", "operations-dlq", "--delete-saved", str(file)).returncode == 0


def test_a_failed_batch_comes_back_by_itself_and_from_its_dead_letters(
    run: Run, environment: Environment, stores: Stores
) -> None:
    with deaf(environment, "relay"):
        stream = placed(environment)
    assert rows(run, stream) == 0
    failed_batch(environment, "relay", stream)
    until("the read model has it", lambda: rows(run, stream), bool, at_most_s=ARRIVES_WITHIN_S)

    where = {"Bucket": stores.ledger_bucket, "Prefix": f"events/{stream}/1/0.json"}

    def told_again() -> None:
        until(
            "the event is in the ledger",
            lambda: stores.s3.list_objects_v2(**where)["KeyCount"],
            bool,
            at_most_s=ARRIVES_WITHIN_S,
        )
        stores.s3.delete_object(Bucket=where["Bucket"], Key=where["Prefix"])

    told_again()
    key = failed_batch(environment, "publisher", stream)
    told_again()
    notification = {"Records": [{"s3": {"object": {"key": key}}}]}
    put(environment, "failed-batches-dlq", json.dumps(notification))
    assert key in run("dead-letters", "failed-batches-dlq").stdout
    assert run("redrive", "failed-batches-dlq", "--all").returncode == 0
    told_again()
    assert run("republish", stream).returncode == 0


def rows(run: Run, stream: str) -> int:
    audit = json.loads(run("audit", "--json", "--stream", stream).stdout)
    return int(audit["looked_at"]["read model rows"])


def failed_batch(environment: Environment, function: str, stream: str) -> str:
    """What a mapping leaves in S3 of a batch that it gave up; its key."""
    outputs, key = environment.outputs, f"aws/lambda/{function}/{stream}"
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{outputs['functions'][function]}"
    keys = {"stream": {"S": stream}, "commit": {"N": "1"}}
    record = {
        "requestContext": {"functionArn": arn, "condition": "RecordAgeExceeded"},
        "version": "1.0",
        "payload": json.dumps({"Records": [{"dynamodb": {"Keys": keys}}]}),
    }
    environment.client("s3").put_object(
        Bucket=outputs["failures_bucket"], Key=key, Body=json.dumps(record).encode()
    )
    return key


@pytest.mark.parametrize(
    "arguments",
    [
        ("repair",),
        ("republish", "--all", "order-1"),
        ("repair", ""),
        ("redrive", "ledger-dlq"),
        ("redrive", "nobody-dlq", "--all"),
        ("dead-letters", "nobody-dlq"),
        ("dead-letters", "--body"),
        ("dead-letters", "ledger-dlq", "--save", "a", "--delete-saved", "b"),
        ("dead-letters", "ledger-dlq", "--limit", "0"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def put(environment: Environment, queue: str, *bodies: str, **attributes: str) -> list[str]:
    """Messages in a dead-letter queue, as nobody's five attempts would leave them."""
    named = {name: {"DataType": "String", "StringValue": attributes[name]} for name in attributes}
    url = environment.outputs["dead_letters"][queue]["url"]
    return [
        environment.client("sqs").send_message(
            QueueUrl=url, MessageBody=body, MessageAttributes=named
        )["MessageId"]
        for body in bodies
    ]


def test_what_the_streams_lost_comes_back_from_the_event_store(
    run: Run, environment: Environment
) -> None:
    before = demo(run)
    began = datetime.now(UTC)
    with deaf(environment, "relay", "publisher"):
        lost = placed(environment)
    audit = json.loads(run("audit", "--json", "--grace", "0", "--stream", lost).stdout)
    assert [one["kind"] for one in audit["findings"]] == ["missing-event"]

    since = began.isoformat()
    counted = json.loads(run("resync", "--since", since, "--dry-run", "--json").stdout)
    assert (counted["published"], counted["dry_run"]) == (0, True)
    assert 1 <= counted["concerned"] < counted["streams"]
    done = run("resync", "--since", since)
    assert (done.returncode, done.stderr) == (0, "")
    assert "public events published again 1" in " ".join(done.stdout.split())
    until(
        "an audit that holds",
        lambda: json.loads(run("audit", "--json", "--grace", "0", "--stream", lost).stdout),
        lambda audit: audit["verdict"] == "holds" and not audit["behind"],
        at_most_s=ARRIVES_WITHIN_S,
    )
    assert json.loads(run("parked", before, "--json").stdout) == {"parked": []}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "is no time"),
        (["--since", "2026-01-01T00:00:00"], "says no zone"),
        (["--since", "2999-01-01T00:00:00Z"], "in the future"),
        (["--since", "2026-01-01T00:00:00Z", "--from", "§"], "is no cursor"),
        ([], "--since"),
    ],
)
def test_a_bad_moment_ends_with_2(run: Run, options: list[str], said: str) -> None:
    done = run("resync", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_resync_says_how_to_go_on(run: Run, environment: Environment) -> None:
    """The functions can't be reached: it stops, and names the same command."""
    demo(run)
    environment.postgres.stop()
    try:
        done = run("resync", "--since", "2026-01-01T00:00:00Z")
    finally:
        environment.postgres.start()
    assert done.returncode == 1
    assert "resync --since 2026-01-01T00:00:00Z` goes on from here" in done.stderr


@contextmanager
def deaf(environment: Environment, *functions: str) -> Iterator[None]:
    """What is written meanwhile never reaches these functions, as after a stream's retention."""
    delivery = environment.delivery
    names = {environment.outputs["functions"][key] for key in functions}
    found = [one for one in delivery.mappings() if one["function"].rpartition(":")[2] in names]
    assert len(found) == len(functions)
    for mapping in found:
        delivery.delete_mapping(mapping["uuid"])
    try:
        yield
    finally:
        for mapping in found:
            request = {**mapping["request"], "StartingPosition": "LATEST"}
            delivery.put_mapping(mapping["uuid"], request)
    until(
        "the streams are read again",
        lambda: [delivery.mapping(each["uuid"]) for each in found],
        lambda reports: all(one["caught_up"] for one in reports),
        at_most_s=ARRIVES_WITHIN_S,
    )


def placed(environment: Environment) -> str:
    """The stream of an order that is only placed."""
    customer = Customer("ana", environment.token("ana"), environment.outputs["api_url"], History())
    answer = customer.send(Request("/orders", ORDER))
    return f"order-{answer.body['order_id']}"
