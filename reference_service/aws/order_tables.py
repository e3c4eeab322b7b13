"""The tables of the read model of orders."""

import re

from reference_service.aws.layout import Layout
from reference_service.aws.row_table import RowTable, SumTable
from reference_service.order.views import OrderSummary
from reference_service.tables import ORDERS_VERSION

_ORDER_STREAM = re.compile(r"order-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def order_id_of(stream: str) -> str | None:
    match = _ORDER_STREAM.fullmatch(stream)
    return match[1] if match else None


ORDER_SUMMARY = RowTable(
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
    optional=frozenset({"delivery", "shipment_id", "cancel_reason"}),
    key_of=order_id_of,
    stream="'order-' || {key}::text",
    indexes={
        "order_summary_of_customer": "customer_id, placed_at DESC, order_id DESC",
        # Without it a page of a rare status would walk through all orders of the customer.
        "order_summary_of_customer_by_status": (
            "customer_id, status, placed_at DESC, order_id DESC"
        ),
    },
)

# What a customer ordered, per currency. Amounts in minor units; `total` leaves out cancelled
# orders, `paid` does not: it was received.
CUSTOMER_SUMMARY = SumTable(
    name="customer_summary",
    group={"customer_id": "text", "currency": "text"},
    sums={
        "orders": "1",
        "cancelled": "(status = 'cancelled')::int",
        "total": "CASE WHEN status = 'cancelled' THEN 0 ELSE total END",
        "paid": "paid",
    },
    of=("customer_id", "currency", "status", "total", "paid"),
)

ORDERS = Layout(version=ORDERS_VERSION, rows=ORDER_SUMMARY, sums=(CUSTOMER_SUMMARY,))
# The versions that this code reads and writes: the newest, and the one that is live until a rebuild
# has replaced it.
LAYOUTS = {layout.version: layout for layout in (ORDERS,)}
