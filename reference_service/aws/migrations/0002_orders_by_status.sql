-- Pages of a customer's orders in one status: without it a page of a rare status would walk through
-- all orders of the customer. Projecting a change of the status writes one more index entry.

CREATE INDEX order_summary_of_customer_by_status
    ON read_model.order_summary (customer_id, status, placed_at DESC, order_id DESC);
