"""Everything that follows from contracts/: types, documents, patterns, the catalogue."""

from bitacora.contracts.generate.artefacts import generate, stale, write

__all__ = ["generate", "stale", "write"]
