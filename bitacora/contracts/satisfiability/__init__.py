"""Is there a value that some schemas accept and others refuse? With the value, when there is.

The search is a tableau: a goal (schemas to satisfy, schemas to break) is taken apart by its
in-place keywords into branches, each a set of plain demands on one JSON type; what the demands put
on items and properties are goals again. After Attouche, Baazizi, Colazzo, Ghelli, Sartiani,
Scherzinger, "Witness Generation for JSON Schema", PVLDB 15(13), 2022.
"""
