"""Things that go wrong, on purpose, for docs/when-something-went-wrong.md.

python -m tests.drill stop-projector | start-projector
python -m tests.drill poison | mend | row | dead-letter ORDER_ID

On the embedded environment of BITACORA_HOME, with the emulator's root keys and the database's
superuser: nobody on AWS has both.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg

from bitacora.audit.reading import stores_of
from bitacora.audit.until import until
from bitacora.cli.home import DEFAULT_HOME
from bitacora.embedded.environment import Environment
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Cause, following, sealed

CAUGHT_UP_WITHIN_S = 120
# What no version of this event allows.
POISON = {"type": "OrderCancelled", "v": 1, "data": {"reason": "because"}}


def stop_projector(environment: Environment) -> str:
    environment.delivery.update_mapping(_projector(environment), {"Enabled": False})
    return "The projector is stopped."


def start_projector(environment: Environment) -> str:
    uuid = _projector(environment)
    environment.delivery.update_mapping(uuid, {"Enabled": True})
    until(
        "the projector has caught up",
        lambda: environment.delivery.mapping(uuid),
        lambda mapping: bool(mapping["caught_up"]),
        at_most_s=CAUGHT_UP_WITHIN_S,
    )
    return "The projector goes on, and has caught up."


def poison(environment: Environment, order_id: str) -> str:
    """Append a commit that is well made, with an event that nobody can read."""
    stores = stores_of(environment)
    history = DynamoDBEventStore(stores.dynamodb, stores.events_table).load(f"order-{order_id}")
    cause = Cause(
        command_id="drill", fingerprint="drill", actor="drill", causation="drill", correlation="d"
    )
    commit = following(
        history[-1],
        stream=history[-1].stream,
        cause=cause,
        body=msgspec.json.encode([POISON]).decode(),
        count=1,
        at=history[-1].at,
        commit_id="drill",
    )
    stores.dynamodb.put_item(TableName=stores.events_table, Item=to_item(commit))
    until(
        "the commit parks its stream everywhere",
        lambda: _parked(environment, commit.stream),
        lambda consumers: len(consumers) == 3,
        at_most_s=CAUGHT_UP_WITHIN_S,
    )
    return f"Commit {commit.commit} of {commit.stream} can be read by nobody."


def mend(environment: Environment, order_id: str) -> str:
    """Put that commit right: its event says what it was meant to say."""
    stores = stores_of(environment)
    *_, last = DynamoDBEventStore(stores.dynamodb, stores.events_table).load(f"order-{order_id}")
    body = msgspec.json.encode([{**POISON, "data": {"reason": "other"}}]).decode()
    mended = sealed(msgspec.structs.replace(last, body=body))
    stores.dynamodb.put_item(TableName=stores.events_table, Item=to_item(mended))
    return f"Commit {last.commit} of {last.stream} says what it was meant to say."


def row(environment: Environment, order_id: str) -> str:
    """Edit a row of the read model."""
    with psycopg.connect(stores_of(environment).database) as session:
        session.execute(
            "UPDATE read_model.order_summary SET paid = paid + 100 WHERE order_id = %s", [order_id]
        )
    return f"Somebody has edited the row of order {order_id}."


def dead_letter(environment: Environment, order_id: str) -> str:
    """The order's first event is not in the ledger, but among its dead letters."""
    stores = stores_of(environment)
    where = {"Bucket": stores.ledger_bucket, "Key": f"events/order-{order_id}/1/0.json"}
    event = stores.s3.get_object(**where)["Body"].read().decode()
    stores.s3.delete_object(**where)
    letters = environment.outputs["dead_letters"]["ledger-dlq"]
    queue = letters["url"] if isinstance(letters, dict) else letters
    environment.client("sqs").send_message(QueueUrl=queue, MessageBody=event)
    return f"The ledger has given up {json.loads(event)['type']} of order {order_id}."


def _parked(environment: Environment, stream: str) -> list[str]:
    stores = stores_of(environment)
    markers = stores.dynamodb.scan(TableName=stores.parked_table, ConsistentRead=True)["Items"]
    consumers = [item["consumer"]["S"] for item in markers if item["stream"]["S"] == stream]
    status = stores.dynamodb.get_item(
        TableName=stores.order_status_table, Key={"stream": {"S": stream}}, ConsistentRead=True
    )
    consumers += ["order_status"] if "parked" in status.get("Item", {}) else []
    with psycopg.connect(stores.database) as session:
        query = "SELECT FROM read_model.parked WHERE stream = %s"
        consumers += ["orders"] * len(session.execute(query, [stream]).fetchall())
    return consumers


def _projector(environment: Environment) -> str:
    function = environment.outputs["functions"]["projector"]
    [uuid] = [
        str(mapping["uuid"])
        for mapping in environment.delivery.mappings()
        if mapping["request"]["FunctionName"].endswith(f":{function}")
    ]
    return uuid


ON_ALL: dict[str, Callable[[Environment], str]] = {
    "stop-projector": stop_projector,
    "start-projector": start_projector,
}
ON_AN_ORDER: dict[str, Callable[[Environment, str], str]] = {
    "poison": poison,
    "mend": mend,
    "row": row,
    "dead-letter": dead_letter,
}


def main(arguments: list[str]) -> str:
    environment = Environment(Path(os.environ.get("BITACORA_HOME", DEFAULT_HOME)))
    match arguments:
        case [name] if name in ON_ALL:
            return ON_ALL[name](environment)
        case [name, order_id] if name in ON_AN_ORDER:
            return ON_AN_ORDER[name](environment, order_id)
    raise SystemExit(__doc__)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
