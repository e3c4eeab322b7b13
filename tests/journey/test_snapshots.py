"""The command functions take snapshots with the rights of their roles, and go on without them."""

from typing import Any

from tests.journey.api import Customer, order, payment


def snapshot_of(environment: Any, order_id: str) -> dict[str, Any] | None:
    key = {"stream": {"S": f"order-{order_id}"}}
    found = environment.client("dynamodb").get_item(
        TableName=environment.outputs["snapshots_table"], Key=key
    )
    item: dict[str, Any] | None = found.get("Item")
    return item


def test_an_order_has_a_snapshot_and_can_do_without(environment: Any, customer: Customer) -> None:
    placed = customer.post("/orders", order())
    path, order_id = placed.headers["location"], placed.body["order_id"]
    first = customer.post(f"{path}/payments", payment(100, payment_id="one"), "key-1")
    assert (first.status, first.body["commit"]) == (200, 2)
    item = snapshot_of(environment, order_id)
    assert item
    assert item["commit"] == {"N": "2"}
    environment.client("dynamodb").delete_item(
        TableName=environment.outputs["snapshots_table"],
        Key={"stream": {"S": f"order-{order_id}"}},
    )
    again = customer.post(f"{path}/payments", payment(100, payment_id="one"), "key-1")
    assert (again.status, again.body) == (first.status, first.body)
    more = customer.post(f"{path}/payments", payment(50, payment_id="two"))
    assert more.body["paid"] == {"amount": 150, "currency": "EUR"}
    item = snapshot_of(environment, order_id)
    assert item
    assert item["commit"] == {"N": "3"}
