"""A copy of the contracts and of what pyproject.toml says about them, to change."""

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitacora.contracts.generate import generate

PROJECT = Path(__file__).resolve().parents[3]
EVENTS = "reference_service/order/events.py"
CUSTOMER_EVENTS = "reference_service/customer/events.py"
PUBLIC_EVENTS = "reference_service/public_events.py"
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Repository:
    root: Path

    @classmethod
    def copied(cls, root: Path) -> "Repository":
        generated = shutil.ignore_patterns("asyncapi.json", "openapi.json")
        shutil.copytree(PROJECT / "contracts", root / "contracts", ignore=generated)
        shutil.copy(PROJECT / "pyproject.toml", root)
        return cls(root)

    def generated(self) -> dict[str, str]:
        return {str(p.relative_to(self.root)): text for p, text in generate(self.root).items()}

    def json(self, path: str) -> Any:
        return json.loads((self.root / "contracts" / path).read_text("utf-8"))

    def change(self, path: str, change: Change) -> None:
        """Change a JSON file of contracts/ in place."""
        value = self.json(path)
        change(value)
        self.write(path, value)

    def write(self, path: str, value: Any) -> None:
        file = self.root / "contracts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")

    def newest(self, folder: str) -> int:
        files = (self.root / "contracts" / folder).glob("v*.json")
        return max(int(re.sub(r"\D", "", file.stem)) for file in files)

    def new_version(self, folder: str, change: Change, example: Change = lambda _: None) -> int:
        """The next version of an event: the newest one changed, its examples too."""
        old = self.newest(folder)
        schema = self.json(f"{folder}/v{old}.json")
        schema["$id"] = re.sub(r"v\d+$", f"v{old + 1}", schema["$id"])
        schema.pop("x-upcast", None)
        change(schema)
        self.write(f"{folder}/v{old + 1}.json", schema)
        for form in ("minimal", "full"):
            shown = self.json(f"{folder}/examples/v{old}-{form}.json")
            if form == "full":
                example(shown)
            self.write(f"{folder}/examples/v{old + 1}-{form}.json", shown)
        return old + 1

    def new_event(self, folder: str, schema: dict[str, Any], example: Any) -> None:
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        identifier = f"urn:bitacora:event:{folder.removeprefix('events/').replace('/', ':')}:v1"
        self.write(f"{folder}/v1.json", {**head, "$id": identifier, "type": "object", **schema})
        for form in ("minimal", "full"):
            self.write(f"{folder}/examples/v1-{form}.json", example)

    def module(self, path: str) -> Any:
        """A generated module of types, imported."""
        file = self.root / "modules" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.generated()[path], "utf-8")
        name = f"generated_{abs(hash(str(file)))}"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # where msgspec looks for the types that annotations name
        spec.loader.exec_module(module)
        return module
