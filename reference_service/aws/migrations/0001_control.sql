-- What stands above the tables of the read models: which generation of them is live, how far the
-- building of another has come, and the roles that may touch them.

-- One generation of a projection's tables, in the schema of that name.
CREATE TABLE read_model.generation (
    name       text PRIMARY KEY,
    projection text NOT NULL,
    version    integer NOT NULL,
    phase      text NOT NULL CHECK
        (phase IN ('scan', 'keys', 'catch-up', 'compare', 'refused', 'live', 'old')),
    started_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- How far it is filled, of how many commits; then how many tables have their keys; then up to
    -- which key it is compared, and what differs.
    streams    bigint NOT NULL DEFAULT 0,
    commits    bigint NOT NULL DEFAULT 0,
    expected   bigint NOT NULL DEFAULT 0,
    keys_done  integer NOT NULL DEFAULT 0,
    compared   text NOT NULL DEFAULT '',
    differences jsonb NOT NULL DEFAULT '[]'
);
CREATE SEQUENCE read_model.generation_number;

-- The segments of the scan that fills a generation; the cursor is where the next page begins.
CREATE TABLE read_model.segment (
    generation text NOT NULL REFERENCES read_model.generation ON DELETE CASCADE,
    number     integer NOT NULL,
    cursor     text,
    done       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (generation, number)
);

-- A projector holds the row FOR SHARE while it writes; who swaps holds it FOR UPDATE. The column
-- `held` is never written: to lock a row for sharing one must be allowed to update a column of it.
CREATE TABLE read_model.pointer (
    projection text PRIMARY KEY,
    live       text NOT NULL REFERENCES read_model.generation,
    building   text REFERENCES read_model.generation,
    held       boolean
);

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
        EXECUTE format('GRANT SELECT ON read_model.pointer, read_model.generation TO %I', name);
        -- A warm function's idle connection would keep Aurora from pausing.
        EXECUTE format('ALTER ROLE %I SET idle_session_timeout = %L', name, '5min');
    END LOOP;
    -- The operations function makes and drops generations, and owns them. The first one is made
    -- with the migration: whoever migrates may act as that role, but inherits nothing from it.
    EXECUTE format('GRANT CREATE ON DATABASE %I TO operations', current_database());
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT operations TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
END
$$;

GRANT UPDATE (held) ON read_model.pointer TO projector;
GRANT CREATE ON SCHEMA read_model TO operations;
GRANT USAGE ON SEQUENCE read_model.generation_number TO operations;
GRANT INSERT, UPDATE, DELETE ON read_model.pointer, read_model.generation TO operations;
GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.segment TO operations;
GRANT SELECT, INSERT, UPDATE ON read_model.reconcile_cursor TO operations;
