"""What a cold start loads: each function alone in an interpreter that sees only what Lambda has."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functions.stage import SETTINGS, environment

ROOT = Path(__file__).resolve().parents[2]
# The kit's own tool and what it needs never run in Lambda.
NEVER = {"bitacora", "infra", "pulumi", "ministack", "typer", "rich", "jsonschema", "pytest"}
WITH_DATABASE = {"projector", "catch_up", "query", "operations", "migration"}
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
module = __import__(f"reference_service.functions.{sys.argv[2]}", fromlist=["handler"])
assert callable(module.handler)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(function: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, str(ROOT), function],
        env=environment(function) | {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("function", SETTINGS)
def test_a_function_loads_what_it_needs_and_not_more(function: str) -> None:
    packages = loaded(function)
    assert not packages & NEVER
    assert ("psycopg" in packages) == (function in WITH_DATABASE)
    # What reads the event store only to heal makes its client then; botocore signs the token.
    assert ("boto3" in packages) == (function not in {"projector", "catch_up", "query"})
    assert "jsonschema_rs" not in packages  # loaded by the first check that needs it


def test_a_missing_variable_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, str(ROOT), "relay"],
        env={"LOG_STREAM": "log"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "EVIDENCE_BUCKET is missing, PARKED_TABLE is missing" in done.stderr
