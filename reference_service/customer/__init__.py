"""A customer, as far as the order service knows one: whose personal data were erased."""
