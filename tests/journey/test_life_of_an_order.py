"""The way of an order through every service, there and back."""

import json

from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from tests.journey.api import Answer, Customer, line, order, payment

# A queue gives a message whose function failed back after 60 to 180 s.
AT_MOST_S = 200
CONFIRMED_AND_SHIPPED = ["OrderPlaced", "PaymentReceived", "OrderConfirmed", "OrderShipped"]


def types(history: Answer) -> list[str]:
    return [event["type"] for event in history.body["events"]]


def shipped(customer: Customer, order_id: str) -> Answer:
    return until(
        "the order is shipped and visible",
        lambda: customer.get(f"/orders/{order_id}"),
        lambda answer: answer.status == 200 and answer.body["status"] == "shipped",
        at_most_s=AT_MOST_S,
    )


def test_a_paid_order_is_shipped_by_the_second_service(
    environment: Environment, customer: Customer
) -> None:
    placed = customer.post("/orders", order(line(quantity=2, amount=1250)))
    assert (placed.status, placed.etag, placed.body["status"]) == (201, '"1"', "placed")
    path = placed.headers["location"]

    paid = customer.post(f"{path}/payments", payment(2500), If_Match=placed.etag)
    assert (paid.status, paid.etag, paid.body["status"]) == (200, '"3"', "confirmed")

    seen = shipped(customer, placed.body["order_id"])
    assert seen.etag == '"4"'
    assert seen.body["version"] == 4
    history = customer.get(f"{path}/history")
    assert types(history) == CONFIRMED_AND_SHIPPED
    assert [event["version"] for event in history.body["events"]] == [1, 2, 3, 4]
    assert history.body["events"][-1]["causation"] == f"shipment-{placed.body['order_id']}/1/0"
    assert [own["order_id"] for own in customer.get("/orders").body["orders"]] == [
        placed.body["order_id"]
    ]


def test_every_public_event_of_the_order_is_kept_in_the_ledger(
    environment: Environment, customer: Customer
) -> None:
    placed = customer.post("/orders", order(line(quantity=1, amount=700)))
    order_id = placed.body["order_id"]
    customer.post(f"/orders/{order_id}/payments", payment(700))
    stream = f"order-{order_id}"
    wanted = {
        f"{stream}/1/0": "OrderPlaced",
        f"{stream}/2/1": "OrderConfirmed",
        f"shipment-{order_id}/1/0": "ShipmentDispatched",
        f"{stream}/3/0": "OrderShipped",
    }
    s3, bucket = environment.client("s3"), environment.outputs["ledger_bucket"]

    def kept() -> dict[str, str]:
        found = {}
        for prefix in (f"events/{stream}/", f"events/shipment-{order_id}/"):
            for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
                event = json.load(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"])
                found[event["id"]] = event["type"]
        return found

    until("the ledger holds them all", kept, lambda found: found == wanted, at_most_s=AT_MOST_S)


def test_an_order_that_is_cancelled_before_it_is_paid_ships_nothing(
    environment: Environment, customer: Customer
) -> None:
    placed = customer.post("/orders", order())
    path = placed.headers["location"]
    cancelled = customer.post(f"{path}/cancellation", {"reason": "changed_mind"})
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")

    late = customer.post(f"{path}/payments", payment(2500))
    assert (late.status, late.problem) == (409, "order-closed")
    until(
        "the cancellation is visible",
        lambda: customer.get(f"{path}?min_version=2"),
        lambda answer: answer.status == 200 and answer.body["status"] == "cancelled",
        at_most_s=AT_MOST_S,
    )
    record = until(
        "fulfilment has heard of it",
        lambda: environment.client("dynamodb").get_item(
            TableName=environment.outputs["shipments_table"],
            Key={"order_id": {"S": placed.body["order_id"]}},
        ),
        lambda answer: "Item" in answer,
        at_most_s=AT_MOST_S,
    )
    assert "cancelled" in json.dumps(record["Item"])


def test_an_order_is_read_as_it_was(customer: Customer) -> None:
    path = customer.post("/orders", order()).headers["location"]
    customer.post(f"{path}/cancellation", {"reason": "changed_mind"})
    newest = customer.get(f"{path}?consistency=strong")
    assert (newest.etag, newest.body["status"]) == ('"2"', "cancelled")
    first = customer.get(f"{path}?version=1")
    assert (first.etag, first.body["status"]) == ('"1"', "placed")
    moment = first.body["updated_at"].replace("Z", "%2B00:00")
    assert customer.get(f"{path}?as_of={moment}").body == first.body
    listed = until(
        "it is listed as cancelled",
        lambda: customer.get(f"/orders?status=cancelled&from={moment}"),
        lambda answer: bool(answer.body["orders"]),
        at_most_s=AT_MOST_S,
    )
    assert f"/orders/{listed.body['orders'][0]['order_id']}" == path
