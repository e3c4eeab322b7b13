"""Applies the migrations of the read side; the input only says which they are."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.metrics import report
from reference_service.settings import MigrationSettings

migrate = bootstrap.migration(MigrationSettings.from_environment(os.environ))


def handler(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    applied = migrate()
    report("migration", {"Applied": len(applied)}, applied=applied)
    return {"applied": applied}
