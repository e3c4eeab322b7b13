"""Everything that an environment keeps, searched for texts: every store, log, queue and bucket.

A text is found in UTF-8, as JSON escapes it, and inside base64, wherever that begins.
"""

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bitacora.embedded.environment import Environment

Kept: TypeAlias = Iterator[tuple[str, bytes]]
Traces: TypeAlias = dict[str, set[str | bytes]]
RECEIVES_WITHOUT_NEWS = 5


def traces(environment: Environment, wanted: Iterable[str | bytes]) -> Traces:
    """Where each of what is wanted stands: place → what. A place is a kind of store and a name."""
    forms = {form: each for each in wanted for form in _forms(each)}
    found: Traces = {}
    for place, content in everything(environment):
        for form, each in forms.items():
            if form in content:
                found.setdefault(place, set()).add(each)
    return found


def everything(environment: Environment) -> Kept:
    """What there is, by place, a piece at a time."""
    yield from _tables(environment.client("dynamodb"))
    yield from _table_streams(environment.client("dynamodbstreams"))
    yield from _logs(environment.client("kinesis"))
    yield from _queues(environment.client("sqs"))
    yield from _buckets(environment.client("s3"))
    yield from _function_logs(environment.client("logs"))
    database = environment.outputs["database"]["name"]
    yield from _database(make_conninfo(environment.postgres.admin_dsn, dbname=database))
    yield from _files(environment.home)


def _forms(wanted: str | bytes) -> set[bytes]:
    plain = wanted.encode() if isinstance(wanted, str) else wanted
    forms = {plain}
    if isinstance(wanted, str):
        forms.add(json.dumps(wanted)[1:-1].encode())
    for lead in range(3):
        # What the neighbours of the text have no part in.
        whole = base64.b64encode(bytes(lead) + plain)
        begin, end = -(-8 * lead // 6), 8 * (lead + len(plain)) // 6
        forms.add(whole[begin:end])
    return forms


def _tables(dynamodb: Any) -> Kept:
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            for items in dynamodb.get_paginator("scan").paginate(TableName=table):
                for item in items["Items"]:
                    yield f"table {table}", _plain(item)


def _table_streams(streams: Any) -> Kept:
    for stream in streams.list_streams()["Streams"]:
        described = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
        for shard in described["Shards"]:
            where = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"]}
            start = streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")
            for record in _records(streams, start["ShardIterator"]):
                yield f"stream {stream['TableName']}", _plain(record)


def _logs(kinesis: Any) -> Kept:
    pages = kinesis.get_paginator("list_streams").paginate()
    for name in (name for page in pages for name in page["StreamNames"]):
        for page in kinesis.get_paginator("list_shards").paginate(StreamName=name):
            for shard in page["Shards"]:
                start = kinesis.get_shard_iterator(
                    StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )
                for record in _records(kinesis, start["ShardIterator"]):
                    yield f"log {name}", _plain(record)


def _records(client: Any, iterator: str | None) -> Iterator[Mapping[str, Any]]:
    """To the end of the shard, or to where it goes on growing."""
    while iterator:
        page = client.get_records(ShardIterator=iterator, Limit=1000)
        yield from page["Records"]
        iterator = page.get("NextShardIterator")
        if not page["Records"] and not page.get("MillisBehindLatest"):
            return


def _queues(sqs: Any) -> Kept:
    """Looked at, not hidden; a queue shows what it likes, so it is asked again and again."""
    for page in sqs.get_paginator("list_queues").paginate():
        for url in page.get("QueueUrls", ()):
            seen: set[str] = set()
            quiet = 0
            while quiet < RECEIVES_WITHOUT_NEWS:
                answer = sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=0,
                    AttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
                fresh = [m for m in answer.get("Messages", ()) if m["MessageId"] not in seen]
                quiet = 0 if fresh else quiet + 1
                for message in fresh:
                    seen.add(message["MessageId"])
                    yield f"queue {url.rpartition('/')[2]}", _plain(message)


def _buckets(s3: Any) -> Kept:
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", ()):
                which = {"Key": version["Key"]}
                if version["VersionId"] != "null":
                    which["VersionId"] = version["VersionId"]
                content = s3.get_object(Bucket=bucket, **which)["Body"].read()
                yield f"bucket {bucket}", version["Key"].encode() + b"\n" + content


def _function_logs(logs: Any) -> Kept:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in (each["logGroupName"] for each in page["logGroups"]):
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                for event in events["events"]:
                    yield f"log group {group}", event["message"].encode()


def _database(conninfo: str) -> Kept:
    named = """SELECT schemaname, tablename FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
    with psycopg.connect(conninfo) as connection:
        for schema, table in connection.execute(named).fetchall():
            rows = sql.SQL("SELECT whole::text FROM {} AS whole").format(
                sql.Identifier(schema, table)
            )
            for (row,) in connection.execute(rows):
                yield f"database {schema}.{table}", row.encode()


def _files(home: Path) -> Kept:
    """Of every process: what it logged, what it keeps, PostgreSQL's pages and its log of writes."""
    # All of them go on meanwhile: os.walk, unlike rglob, passes over a folder that is gone.
    for folder, _, names in os.walk(home):
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):
                if path.is_file() and not path.is_symlink():
                    yield f"file {path.relative_to(home)}", path.read_bytes()


def _plain(value: Any) -> bytes:
    """All that is in an answer of AWS, binary values as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        return b"\n".join(_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return b"\n".join(map(_plain, value))
    return str(value).encode()
