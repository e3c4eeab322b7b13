"""The environment on this machine: MiniStack, PostgreSQL, the delivery engine, a token issuer."""
