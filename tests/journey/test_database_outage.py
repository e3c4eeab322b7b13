"""The read model comes back by itself, although nothing is written after the outage."""

from typing import Any

import pytest

from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from tests.journey.api import Customer, order

RETRIES = 2
REDELIVERED_AFTER_S = 10


def mapping(environment: Environment, function: str) -> dict[str, Any]:
    name = environment.outputs["functions"][function]
    [found] = [one for one in environment.delivery.mappings() if name in str(one["function"])]
    return found


@pytest.fixture
def few_retries(environment: Environment) -> Any:
    """The projector gives a batch up after RETRIES attempts: a short outage is longer than that."""
    projector = mapping(environment, "projector")
    kept = projector["request"]["MaximumRetryAttempts"]
    environment.delivery.update_mapping(projector["uuid"], {"MaximumRetryAttempts": RETRIES})
    yield
    environment.delivery.update_mapping(projector["uuid"], {"MaximumRetryAttempts": kept})


@pytest.fixture
def early_redelivery(environment: Environment) -> Any:
    """A repair that failed, because the database was still away, is tried again soon."""
    sqs, queue = environment.client("sqs"), environment.outputs["queues"]["failed-batches"]
    name = "VisibilityTimeout"
    kept = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: str(REDELIVERED_AFTER_S)})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: kept})


@pytest.mark.usefixtures("few_retries", "early_redelivery")
def test_orders_taken_during_an_outage_become_visible(
    environment: Environment, customer: Customer
) -> None:
    failures = environment.outputs["failures_bucket"]
    environment.postgres.stop()
    try:
        accepted = [customer.post("/orders", order()) for _ in range(5)]
        assert [answer.status for answer in accepted] == [201] * 5
        until(
            "the projector's batch was given up and kept",
            lambda: environment.client("s3").list_objects_v2(Bucket=failures).get("KeyCount", 0),
            lambda kept: kept > 0,
            at_most_s=90,
        )
    finally:
        environment.postgres.start()
    visible = until(
        "every accepted order is listed",
        lambda: {own["order_id"] for own in customer.get("/orders").body.get("orders", [])},
        lambda listed: len(listed) == len(accepted),
        at_most_s=150,
    )
    assert visible == {answer.body["order_id"] for answer in accepted}
