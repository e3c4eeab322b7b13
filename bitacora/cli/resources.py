"""bitacora resources"""

from typing import Annotated

import typer

from bitacora.cli.home import Home


def resources(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Every resource that the program made: type, name and physical id."""
    from bitacora.cli import report
    from bitacora.embedded.problem import Problem
    from bitacora.embedded.provisioning import RESOURCES_FILE
    from bitacora.provision.state import StateFile

    home: Home = context.obj
    stored = StateFile(home.folder / RESOURCES_FILE).resources
    if not stored:
        raise Problem(f"Nothing is provisioned in {home.folder}.", "Run `bitacora up`.")
    rows = [
        {"type": resource.type, "name": resource.name, "id": resource.id, "urn": urn}
        for urn, resource in sorted(stored.items(), key=lambda item: (item[1].type, item[1].name))
    ]
    if json:
        report.print_json(rows)
    else:
        report.print_table(
            ("type", "name", "id"), [(row["type"], row["name"], row["id"]) for row in rows]
        )
