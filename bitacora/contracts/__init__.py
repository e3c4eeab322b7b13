"""The event contracts: read, held to their rules, compared, and what is generated from them."""
