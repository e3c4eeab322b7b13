"""Iterators that expire and records that are trimmed, at any moment: nothing is lost or skipped.

The streams are real; a source before them forgets, because the cloud's iterators live for minutes.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bitacora.delivery.checkpoints import MappingFile
from bitacora.delivery.faults import Faults
from bitacora.delivery.invocation import Clients, describe_function
from bitacora.delivery.mapping import parse
from bitacora.delivery.records import Record
from bitacora.delivery.shards import Position, Shard, discovered
from bitacora.delivery.sources import (
    DynamoDBSource,
    IteratorExpired,
    KinesisSource,
    Page,
    Source,
    Trimmed,
)
from bitacora.delivery.worker import Stats, Surroundings, Worker
from tests.delivery.stage import Function, KinesisStream, Stage, Table, until


class Forgetful:
    """Passes everything on, but `forget` decides before each read whether to raise."""

    def __init__(self, source: Source, forget: Callable[[int], Exception | None]) -> None:
        self.source, self.forget = source, forget
        self.reads, self.positions = 0, list[Position]()

    def shards(self) -> list[Shard]:
        return self.source.shards()

    def open(self, shard_id: str, position: Position) -> str:
        self.positions.append(position)
        return self.source.open(shard_id, position)

    def read(self, shard_id: str, iterator: str) -> Page:
        self.reads += 1
        if error := self.forget(self.reads):
            raise error
        return self.source.read(shard_id, iterator)

    def record(self, event: Mapping[str, Any]) -> Record:
        return self.source.record(event)


@pytest.fixture
def surroundings(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    for name, value in stage.emulator.environment().items():
        monkeypatch.setenv(name, value)
    return Surroundings(Clients(), Random(7), lambda: 0.0)


def work_on(
    stream: KinesisStream | Table,
    function: Function,
    surroundings: Surroundings,
    folder: Path,
    forget: Callable[[int], Exception | None],
    **settings: Any,
) -> tuple[Worker, Forgetful]:
    request = {
        "EventSourceArn": stream.arn,
        "FunctionName": function.name,
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 2,
        **settings,
    }
    mapping = parse("m", request)
    described = describe_function(surroundings.clients, function.name)
    source: Source = (
        KinesisSource(surroundings.clients("kinesis"), stream.arn, described.role_arn)
        if isinstance(stream, KinesisStream)
        else DynamoDBSource(surroundings.clients("dynamodbstreams"), stream.arn)
    )
    forgetful = Forgetful(source, forget)
    file = MappingFile.create(folder / "m.json", request)
    (shard_id,) = file.discover(lambda known: discovered(source.shards(), known, mapping, 0.0))
    ended = threading.Event()
    worker = Worker(
        mapping,
        shard_id,
        described,
        forgetful,
        file,
        Faults(mapping.source),
        Stats(),
        surroundings,
        ended.set,
    )
    worker.start()
    return worker, forgetful


def test_an_iterator_that_expires_again_and_again_loses_and_repeats_nothing(
    stage: Stage, surroundings: Surroundings, tmp_path: Path
) -> None:
    values = [f"order-{n}/1" for n in range(5)]
    for stream in (stage.kinesis_stream(), stage.table()):
        function = stage.function()
        folder = tmp_path / stream.name
        folder.mkdir()
        worker, source = work_on(
            stream, function, surroundings, folder, lambda n: IteratorExpired() if n % 2 else None
        )
        for value in values:
            stream.put(value)
        until(lambda f=function: len(f.values()) >= 5, description="all records")
        reads = source.reads
        until(lambda s=source, r=reads: s.reads > r + 4, description="more reads")
        worker.stop()
        assert worker.join(5)
        assert function.values() == values
        assert source.positions[-1].kind == "AFTER"


def test_records_trimmed_before_they_were_read_are_counted_and_the_rest_is_read(
    stage: Stage, surroundings: Surroundings, tmp_path: Path
) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    log.put("order-0/1")
    worker, source = work_on(
        log, function, surroundings, tmp_path, lambda n: Trimmed() if n == 1 else None
    )
    until(function.values, description="the record that is left")
    worker.stop()
    assert worker.join(5)
    assert worker.stats.trimmed == 1
    assert "trimmed" in (worker.stats.last_error or "")
    assert [position.kind for position in source.positions] == ["TRIM_HORIZON"] * 2


def test_records_beyond_the_maximum_age_reach_the_destination_and_not_the_function(
    stage: Stage, surroundings: Surroundings, tmp_path: Path
) -> None:
    log, bucket, function = stage.kinesis_stream(), stage.bucket(), stage.function()
    log.put("order-0/1", "order-0/2")
    later = replace(surroundings, clock=lambda: time.time() + 61)
    worker, _ = work_on(
        log,
        function,
        later,
        tmp_path,
        lambda _: None,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    until(lambda: worker.stats.failed == 2, description="both records discarded")
    worker.stop()
    assert worker.join(5)
    assert function.values() == []
    (written,) = stage.objects(bucket).values()
    assert written["requestContext"]["condition"] == "RecordAgeExceeded"
    assert len(json.loads(written["payload"])["Records"]) == 2
    assert worker.progress.checkpoint == written["KinesisBatchInfo"]["endSequenceNumber"]


def test_an_unexpected_error_ends_the_worker_and_is_reported(
    stage: Stage, surroundings: Surroundings, tmp_path: Path
) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    worker, _ = work_on(log, function, surroundings, tmp_path, lambda _: ValueError("a bug"))
    assert worker.join(5)
    assert worker.stats.last_error == "unexpected ValueError: a bug"
