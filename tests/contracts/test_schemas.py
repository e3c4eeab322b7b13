"""The contracts and the code agree, and so do the validators on every example.

What the files must be by themselves, the lint of `bitacora contracts` says.
"""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from reference_service.customer.events import VERSIONS as CUSTOMER_VERSIONS
from reference_service.order.codec import EVENTS as INTERNAL_EVENTS
from reference_service.order.commands import SCHEMAS as COMMAND_SCHEMAS
from reference_service.order.events import VERSIONS
from reference_service.order.versions import DOWNCASTERS, UPCASTERS
from reference_service.public_events import VERSIONS as PUBLIC_VERSIONS
from reference_service.schemas import Schemas, event_schema
from tests.contracts.language import MESSAGES, NEWEST, SCHEMAS, TOPOLOGY, example

FORMS = ["minimal", "full"]
CONTRACTS = Schemas.load()
# Without `$schema`, which would lead the reference validator back to Python's reading of `$`.
TYPES: Registry[Any] = Registry().with_resources(
    (
        schema["$id"],
        DRAFT202012.create_resource({k: v for k, v in schema.items() if k != "$schema"}),
    )
    for schema in SCHEMAS.values()
)


def ecma_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """JSON Schema's `$` is the end of the text; Python's also stands before a last line end."""
    if isinstance(instance, str) and not re.search(
        re.sub(r"\$(?=$|\))", r"\\Z", pattern), instance
    ):
        yield ValidationError(f"does not match {pattern}")


Reference = extend(jsonschema.Draft202012Validator, {"pattern": ecma_pattern})


def oracle(name: str) -> Any:
    """The reference validator of a schema, formats checked."""
    return Reference(SCHEMAS[name], registry=TYPES, format_checker=jsonschema.FormatChecker())


def newest_below(folder: str) -> set[str]:
    return {name for below, name in NEWEST.items() if below.startswith(folder)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_keeps_its_contract(name: str, form: str) -> None:
    assert CONTRACTS.check(name, example(name, form)) == ()
    assert list(oracle(name).iter_errors(example(name, form))) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_every_bad_example_fails_for_its_stated_reason_alone(name: str) -> None:
    """By the validator at run time and by the reference one."""
    shown = example(name, "bad")
    assert len(shown) >= 2
    for bad in shown:
        assert {fault.pointer for fault in CONTRACTS.check(name, bad["data"])} == {bad["pointer"]}
        errors = list(oracle(name).iter_errors(bad["data"]))
        assert [str(error.validator) for error in errors] == [bad["keyword"]], bad["reason"]


@pytest.mark.parametrize("form", FORMS)
def test_the_example_of_the_envelope_is_a_public_event(form: str) -> None:
    assert CONTRACTS.check_public(example("envelope/v1", form)) == ()


def test_the_code_knows_every_event_up_to_its_newest_version() -> None:
    known = {kind: VERSIONS[kind] for kind in INTERNAL_EVENTS} | CUSTOMER_VERSIONS
    internal = {event_schema("internal", kind, version) for kind, version in known.items()}
    assert internal == newest_below("events/internal/")
    public = {event_schema("public", kind, version) for kind, version in PUBLIC_VERSIONS.items()}
    assert public == newest_below("events/public/")
    assert set(COMMAND_SCHEMAS.values()) == newest_below("commands/")


def test_an_upcaster_stands_exactly_where_a_version_says_so() -> None:
    said = {
        (schema["title"], int(name.rpartition("/v")[2]) - 1)
        for name, schema in SCHEMAS.items()
        if "x-upcast" in schema
    }
    assert set(UPCASTERS) == said
    assert {(kind, version - 1) for kind, version in DOWNCASTERS} == said


def test_every_public_event_has_a_consumer_and_reaches_the_ledger() -> None:
    for title, way in TOPOLOGY.items():
        others = set(way["consumers"]) - {"ledger"}
        assert "ledger" in way["consumers"], f"{title} is not audited"
        assert others, f"{title} has no consumer"
        assert others <= {"fulfilment", "notification", "order-commands"}
