"""A customer's token is what an OpenID Connect client can verify."""

import base64
import json
import stat

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bitacora.embedded import issuer

ISSUER = "http://127.0.0.1:5000"


@pytest.fixture
def home(tmp_path):
    issuer.ensure_key(tmp_path)
    return tmp_path


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def published_key(home):
    (entry,) = issuer.documents(home, ISSUER)[issuer.KEYS_PATH]["keys"]
    numbers = (int.from_bytes(decoded(entry[name]), "big") for name in ("e", "n"))
    return entry["kid"], rsa.RSAPublicNumbers(*numbers).public_key()


def a_token(home) -> str:
    return issuer.token(home, ISSUER, subject="ana", audience="orders", issued_at_s=1_000, ttl_s=60)


def test_the_published_key_verifies_the_token(home):
    header, claims, signature = a_token(home).split(".")
    kid, key = published_key(home)
    key.verify(
        decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(decoded(header)) == {"alg": "RS256", "typ": "JWT", "kid": kid}
    assert json.loads(decoded(claims)) == {
        "iss": ISSUER,
        "sub": "ana",
        "aud": "orders",
        "iat": 1_000,
        "exp": 1_060,
    }


def test_another_subject_breaks_the_signature(home):
    header, claims, signature = a_token(home).split(".")
    forged = base64.urlsafe_b64encode(decoded(claims).replace(b"ana", b"eva")).decode().rstrip("=")
    with pytest.raises(InvalidSignature):
        published_key(home)[1].verify(
            decoded(signature), f"{header}.{forged}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )


def test_the_configuration_names_issuer_and_keys(home):
    configuration = issuer.documents(home, ISSUER)[issuer.CONFIGURATION_PATH]
    assert configuration["issuer"] == ISSUER
    assert configuration["jwks_uri"] == ISSUER + issuer.KEYS_PATH


def test_the_key_is_private_and_survives_restarts(home):
    path = home / issuer.KEY_FILE
    before = path.read_bytes()
    issuer.ensure_key(home)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
