"""The rules that contracts/ keeps, so that every question about it can be decided.

A rule is a function `(folder) -> findings`, named by what it holds; its id is that name with
dashes.
"""

from collections.abc import Callable, Iterator

from bitacora.contracts import lock
from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import Folder
from bitacora.contracts.lint import agreement, examples, files, schemas, subset

Rule = Callable[[Folder], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    files.readable,
    files.json,
    files.key_once,
    files.known_file,
    files.version_gap,
    schemas.valid_schema,
    schemas.identity,
    schemas.title,
    schemas.description,
    schemas.own_title,
    schemas.limits,
    schemas.closed,
    schemas.required_known,
    subset.keywords,
    subset.types,
    subset.formats,
    subset.patterns,
    subset.tagged_branches,
    subset.reference,
    subset.recursion,
    examples.example_there,
    examples.example_valid,
    examples.bad_form,
    examples.bad_reason,
    examples.full_shows_all,
    examples.minimal_shows_required,
    agreement.personal,
    agreement.upcast,
    agreement.topology,
    agreement.envelope,
    agreement.compatibility,
    lock.lock_line,
    lock.released_unchanged,
)


def lint(folder: Folder) -> list[Finding]:
    """Every finding, by file and pointer."""
    return sorted(
        (found._replace(rule=rule_id(rule)) for rule in RULES for found in rule(folder)),
        key=lambda found: (found.file, found.line or 0, found.pointer, found.rule),
    )


def rule_id(rule: Rule) -> str:
    """files.key_once → "key-once"."""
    return rule.__name__.replace("_", "-")
