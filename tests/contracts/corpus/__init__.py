"""Schema changes with labels found by a search for counterexamples, not by the checker.

cases/THEME.json lists cases: `name`, `reading` ("strict", or "contract": closed producer, open
consumer), `subset` (both schemas keep to the linted subset), `old`, `new`, and for each direction
a label, "compatible" or "incompatible", the latter with a witness. `backward`: what producers of
`old` write, consumers of `new` read. `forward`: what producers of `new` write, consumers of `old`
read. A new case is written with the labels its author expects; then
`python -m tests.contracts.corpus.label THEME` searches, and says where it disagrees.
"""
