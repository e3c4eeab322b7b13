"""Tokens of customers and staff: an OpenID Connect issuer's key, documents and RS256 tokens.

RFC 7519; scopes as in RFC 8693.
"""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bitacora.embedded.state import replace_private

KEY_FILE = "issuer-key.pem"
CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/.well-known/jwks.json"


def ensure_key(home: Path) -> None:
    """Make the signing key unless it is there; tokens stay valid over restarts."""
    path = home / KEY_FILE
    if path.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    replace_private(path, pem)


def documents(home: Path, issuer: str) -> dict[str, dict[str, Any]]:
    """Path -> JSON document that an API's JWT authorizer reads."""
    configuration = {
        "issuer": issuer,
        "jwks_uri": issuer + KEYS_PATH,
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    return {CONFIGURATION_PATH: configuration, KEYS_PATH: {"keys": [_public(_key(home))]}}


def token(
    home: Path,
    issuer: str,
    *,
    subject: str,
    audience: str,
    issued_at_s: int,
    ttl_s: int,
    scope: str = "",
) -> str:
    """A signed token. `issued_at_s` is epoch seconds; `scope` names scopes, spaces between them."""
    key = _key(home)
    header = {"alg": "RS256", "typ": "JWT", "kid": _public(key)["kid"]}
    claims = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": issued_at_s,
        "exp": issued_at_s + ttl_s,
        **({"scope": scope} if scope else {}),
    }
    signed = f"{_encoded_json(header)}.{_encoded_json(claims)}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


@cache
def _key(home: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key((home / KEY_FILE).read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{home / KEY_FILE} holds no RSA key")
    return key


def _public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    modulus, exponent = (
        _encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for number in (numbers.n, numbers.e)
    )
    thumbprint = json.dumps({"e": exponent, "kty": "RSA", "n": modulus}, separators=(",", ":"))
    kid = _encoded(hashlib.sha256(thumbprint.encode()).digest())  # RFC 7638
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": modulus, "e": exponent}


def _encoded_json(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
