"""The token of IAM database authentication is the SDK's own, made without its model of RDS."""

from typing import Any
from urllib.parse import parse_qs

import boto3
import psycopg
import pytest
from botocore.session import Session

from reference_service.aws.postgres import connect_within, iam_token
from reference_service.cqrs.store import Unavailable


def test_the_token_is_the_sdks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    ours = iam_token("db.example", 5432, "projector", "eu-west-1", Session())
    sdks = (
        boto3.Session()
        .client("rds", region_name="eu-west-1")
        .generate_db_auth_token(DBHostname="db.example", Port=5432, DBUsername="projector")
    )
    moment = {"X-Amz-Date", "X-Amz-Signature"}  # of two different moments

    def parts(token: str) -> tuple[str, dict[str, Any]]:
        address, _, query = token.partition("?")
        return address, {k: v for k, v in parse_qs(query).items() if k not in moment}

    assert parts(ours) == parts(sdks)


def test_a_server_that_starts_within_the_time_is_waited_for() -> None:
    connection: Any = object()
    answers = [psycopg.OperationalError("starting up"), connection]
    pauses: list[float] = []

    def connect() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert connect_within(connect, 10, clock=lambda: 0, pause=pauses.append) is connection
    assert len(pauses) == 1


def test_a_server_that_does_not_start_is_told_with_its_last_answer() -> None:
    def connect() -> Any:
        raise psycopg.OperationalError("the database system is starting up\nDETAIL: secret")

    moments = iter(range(100))
    with pytest.raises(Unavailable, match="starting up") as fault:
        connect_within(connect, 3, clock=lambda: next(moments), pause=lambda _: None)
    assert "secret" not in str(fault.value)
