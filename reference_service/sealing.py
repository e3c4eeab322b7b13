"""Personal data under a customer's key: sealed text that says nothing once the key is destroyed.

AES-256-GCM (NIST SP 800-38D) with a random nonce, in base85 so that it stays short inside JSON.
The text names its key, and is bound to its place: elsewhere it does not open.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from typing import NamedTuple, NewType

Sealed = NewType("Sealed", str)

SECRET_BYTES = 32
_NONCE_BYTES = 12
_FORM = "s1"
KEY_ID = "[0-9a-f]{12}"
# JSON holds these characters as they are.
PATTERN = rf"^{_FORM}[.]{KEY_ID}[.][!#-\[\]-~]{{40,8192}}$"
_SEALED = re.compile(PATTERN[:-1])


class DataKey(NamedTuple):
    """`secret` is 32 bytes; `id` differs between any two keys that a customer ever had."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.id})"  # a traceback may be logged


class Unsealable(ValueError):
    """A text that was not sealed with this key for this place, or was changed since."""


def seal(plain: bytes, key: DataKey, place: str, nonce: bytes | None = None) -> Sealed:
    """The bytes as sealed text of the given place; `nonce`, 12 bytes, may be used once per key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = nonce or os.urandom(_NONCE_BYTES)
    box = nonce + AESGCM(key.secret).encrypt(nonce, plain, _bound(key.id, place))
    return Sealed(f"{_FORM}.{key.id}.{base64.b85encode(box).decode()}")


def unseal(sealed: Sealed, key: DataKey, place: str) -> bytes:
    """What was sealed. Raises Unsealable."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if key_of(sealed) != key.id:
        raise Unsealable(f"sealed with {key_of(sealed)}, not with {key.id}")
    try:
        box = base64.b85decode(sealed.rpartition(".")[2])
        nonce, rest = box[:_NONCE_BYTES], box[_NONCE_BYTES:]
        return AESGCM(key.secret).decrypt(nonce, rest, _bound(key.id, place))
    except (ValueError, InvalidTag) as fault:
        raise Unsealable(f"what is sealed for {place} was changed, or sealed elsewhere") from fault


def key_of(sealed: str) -> str:
    """The id of the key that it was sealed with. Raises Unsealable."""
    if not _SEALED.fullmatch(sealed):
        raise Unsealable("no sealed text")
    return sealed.split(".")[1]


def proof(data: bytes, key: DataKey) -> str:
    """A keyed hash (HMAC-SHA-256): whether two data are the same, and nothing without the key.

    A plain hash of an address can be looked up by hashing every address.
    """
    own = hmac.digest(key.secret, b"proof", "sha256")
    return hmac.digest(own, data, "sha256").hex()


def _bound(key_id: str, place: str) -> bytes:
    return f"{_FORM}\n{key_id}\n{place}".encode()
