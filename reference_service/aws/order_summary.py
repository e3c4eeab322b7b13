"""read_model.order_summary: the table of order.views.OrderSummary."""

import re

from reference_service.aws.row_table import RowTable
from reference_service.order.views import OrderSummary

_ORDER_STREAM = re.compile(r"order-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def order_id_of(stream: str) -> str | None:
    match = _ORDER_STREAM.fullmatch(stream)
    return match[1] if match else None


ORDER_SUMMARY = RowTable(
    schema="read_model",
    name="order_summary",
    row=OrderSummary,
    columns={
        "order_id": "uuid",
        "customer_id": "text",
        "status": "text",
        "version": "bigint",
        "currency": "text",
        "total": "bigint",
        "paid": "bigint",
        "lines": "jsonb",
        "delivery": "jsonb",
        "shipment_id": "text",
        "cancel_reason": "text",
        "placed_at": "timestamptz",
        "updated_at": "timestamptz",
    },
    key_of=order_id_of,
)
