"""Whom the API lets in, by tokens as the authorizer sees them, and what staff's tokens open."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bitacora.embedded import issuer
from reference_service.aws.http_api import READ_ALL
from tests.journey.api import Customer, order, payment

WAIT_S = 20


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def part(value: Any) -> str:
    return encoded(json.dumps(value).encode())


def resigned(token: str, key: rsa.RSAPrivateKey) -> str:
    signed = token.rpartition(".")[0]
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encoded(signature)}"


@pytest.fixture(scope="module")
def support(environment: Any) -> Customer:
    token = environment.token("eva-of-support", scope=READ_ALL)
    return Customer(environment.outputs["api_url"], token)


@pytest.fixture
def forged(environment: Any) -> dict[str, str]:
    """Tokens of a customer who would like to be staff, by how they came to be."""
    header, claims, signature = environment.token("mallory").split(".")
    wished = part({**decoded(claims), "scope": READ_ALL})
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = issuer._key(environment.home)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    symmetric = f"{part({**decoded(header), 'alg': 'HS256'})}.{wished}"
    mac = hmac.new(public, symmetric.encode(), hashlib.sha256).digest()

    def with_claims(**changed: Any) -> str:
        return resigned(f"{header}.{part({**decoded(wished), **changed})}.", key)

    return {
        "claims changed after signing": f"{header}.{wished}.{signature}",
        "signed by a stranger with the issuer's key id": resigned(f"{header}.{wished}.", stranger),
        "algorithm none": f"{part({**decoded(header), 'alg': 'none'})}.{wished}.",
        "none, with the old signature": f"{part({'alg': 'none'})}.{wished}.{signature}",
        "signed with the public key as a secret": f"{symmetric}.{encoded(mac)}",
        "expired": environment.token("mallory", ttl_s=-1, scope=READ_ALL),
        "not valid yet": with_claims(nbf=int(time.time()) + 600),
        "for another audience": with_claims(aud="invoices"),
        "of another issuer": with_claims(iss="https://issuer.example.com/"),
        "without a key id": resigned(f"{part({'alg': 'RS256'})}.{wished}.", key),
    }


def test_no_forged_or_outdated_token_comes_in(
    environment: Any, customer: Customer, forged: dict[str, str]
) -> None:
    path = customer.post("/orders", order()).headers["location"]
    for how, token in forged.items():
        mallory = Customer(environment.outputs["api_url"], token)
        answers = [mallory.get(path), mallory.get("/orders"), mallory.post("/orders", order())]
        assert [answer.status for answer in answers] == [401] * 3, how


def test_the_same_claims_well_signed_do_come_in(
    environment: Any, customer: Customer, forged: dict[str, str]
) -> None:
    """So that the tokens above are refused for what they say they are."""
    path = customer.post("/orders", order()).headers["location"]
    header, claims, _ = forged["claims changed after signing"].split(".")
    token = resigned(f"{header}.{claims}.", issuer._key(environment.home))
    answer = Customer(environment.outputs["api_url"], token).get(f"{path}?consistency=strong")
    assert answer.status == 200


def test_support_reads_what_is_anybodys_and_changes_nothing(
    a_customer: Callable[[], Customer], support: Customer
) -> None:
    ana = a_customer()
    path = ana.post("/orders", order()).headers["location"]
    for query in ("?consistency=strong", "?version=1", "/history"):
        assert support.get(path + query).body == ana.get(path + query).body
    assert support.post(f"{path}/payments", payment(100)).status == 404
    assert support.post(f"{path}/cancellation", {"reason": "other"}).status == 404
    assert a_customer().get(f"{path}?consistency=strong").status == 404


def test_a_scope_in_a_list_is_taken_as_the_api_hands_it_over(
    environment: Any, customer: Customer
) -> None:
    path = customer.post("/orders", order()).headers["location"]
    header, claims, _ = environment.token("eva-of-support").split(".")
    listed = part({**decoded(claims), "scp": ["openid", READ_ALL]})
    token = resigned(f"{header}.{listed}.", issuer._key(environment.home))
    answer = Customer(environment.outputs["api_url"], token).get(f"{path}?consistency=strong")
    assert answer.status == 200


def test_who_of_support_read_whose_orders_is_logged(
    environment: Any, support: Customer, customer: Customer
) -> None:
    placed = customer.post("/orders", order())
    support.get(f"{placed.headers['location']}?consistency=strong")
    told = f"eva-of-support of support reads {placed.body['order_id']} of customer customer-"
    logs, group = environment.client("logs"), environment.outputs["functions"]["query"]
    deadline, seen = time.monotonic() + WAIT_S, ""
    while told not in seen and time.monotonic() < deadline:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{group}"
        )
        seen = "\n".join(event["message"] for page in pages for event in page["events"])
        time.sleep(0.1)
    assert told in seen
