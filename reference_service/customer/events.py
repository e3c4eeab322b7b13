"""What happened to a customer: the internal events, each in its newest version.

Generated from contracts/ by `bitacora contracts generate`; do not edit.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class PersonalDataErased(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A customer's personal data was erased: the key that all of it is sealed with is destroyed.
    Stands in the customer's own stream.
    """

    key_id: str
    """The key that is destroyed; a later order of the customer is sealed with another."""


Event: TypeAlias = PersonalDataErased

# The newest version of each event's contract.
VERSIONS: dict[str, int] = {
    "PersonalDataErased": 1,
}

# The oldest version whose readers read an event of this version, if older than itself.
OLDEST_READERS: dict[tuple[str, int], int] = {}
