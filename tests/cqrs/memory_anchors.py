"""Objects that are written once, in memory."""

from dataclasses import dataclass, field


@dataclass
class InMemoryAnchors:
    objects: dict[str, bytes] = field(default_factory=dict)

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.objects if name.startswith(prefix))

    def read(self, name: str) -> bytes:
        return self.objects[name]

    def keep(self, name: str, stored: bytes) -> bool:
        return self.objects.setdefault(name, stored) == stored
