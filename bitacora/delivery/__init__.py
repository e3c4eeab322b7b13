"""Event source mappings for DynamoDB Streams and Kinesis, as AWS Lambda runs them.

Pure core: `mapping` (the request), `filters`, `records` (event formats), `batches` (cutting),
`retries` (judging an answer, what follows), `progress` (checkpoints), `failures` (destination
records), `shards` (lineage, positions), `faults` (what AWS may do, on demand). Around it,
with I/O: `sources`, `invocation`, `checkpoints`; a `worker` per shard with its `reader` and
`lane`s, a `runner` per mapping, the `engine` with its `control` API. `client` is for everybody
else.
"""
