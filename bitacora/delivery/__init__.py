"""Event source mappings for DynamoDB Streams and Kinesis, as AWS Lambda runs them.

Pure core: `mapping` (the request), `filters`, `records` (event formats), `batches` (cutting),
`retries` (judging an answer, what follows), `progress` (checkpoints), `failures` (destination
records), `faults` (what AWS may do, on demand). Around it, with I/O: `sources`, `invocation`,
`checkpoints`, `lane`, `reader`, `runner`, `engine`, `control`. `client` is for everybody else.
"""
