-- The read model of orders, its gates beside it, and the roles that may touch them.

CREATE TABLE read_model.gates (
    stream     text PRIMARY KEY,
    commit     bigint NOT NULL CHECK (commit >= 0),
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE read_model.parked (
    stream    text PRIMARY KEY,
    commit    bigint NOT NULL,
    reason    text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE read_model.order_summary (
    order_id      uuid PRIMARY KEY,
    customer_id   text NOT NULL,
    status        text NOT NULL,
    version       bigint NOT NULL,
    currency      text NOT NULL,
    total         bigint NOT NULL,
    paid          bigint NOT NULL,
    lines         jsonb NOT NULL,
    delivery      jsonb,
    shipment_id   text,
    cancel_reason text,
    placed_at     timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE INDEX order_summary_of_customer
    ON read_model.order_summary (customer_id, placed_at DESC, order_id DESC);

-- Where the next slice of a reconciliation begins; no row or null: from the start.
CREATE TABLE read_model.reconcile_cursor (
    name   text PRIMARY KEY,
    cursor text
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['projector', 'query', 'operations'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        -- No password: RDS lets members of rds_iam in by an IAM token alone.
        EXECUTE format('GRANT rds_iam TO %I', name);
        EXECUTE format('GRANT USAGE ON SCHEMA read_model TO %I', name);
        -- A warm function's idle connection would keep Aurora from pausing.
        EXECUTE format('ALTER ROLE %I SET idle_session_timeout = %L', name, '5min');
    END LOOP;
END
$$;

GRANT SELECT ON read_model.gates, read_model.parked, read_model.order_summary TO query;
GRANT SELECT, INSERT, UPDATE ON read_model.gates, read_model.order_summary
    TO projector, operations;
GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.parked TO projector, operations;
GRANT SELECT, INSERT, UPDATE ON read_model.reconcile_cursor TO operations;
