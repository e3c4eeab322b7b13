"""What the service relies on of AWS, asked of the emulator and of the simulated cloud alike.

Subclass it and give the fixture `cloud`.
"""

from itertools import count
from typing import Any, Protocol

import pytest
from botocore.exceptions import ClientError

from reference_service.tables import EVENTS, ORDER_STATUS, PARKED, Table

NUMBERS = count(1)


class Cloud(Protocol):
    def client(self, service: str) -> Any: ...

    def table(self, name: str, layout: Table) -> str:
        """Makes a table; its name."""

    def bucket(self) -> str:
        """The name of a bucket."""

    def bus(self) -> str:
        """The name of a bus."""

    def log(self) -> str:
        """The name of a stream of Kinesis with one shard."""

    def records(self, log: str) -> list[tuple[str, bytes]]:
        """What the stream holds, in its order: (key, data)."""


def event(stream: str, number: int, **more: Any) -> dict[str, Any]:
    return {"stream": {"S": stream}, "commit": {"N": str(number)}, **more}


def marker(consumer: str, stream: str) -> dict[str, Any]:
    return {"consumer": {"S": consumer}, "stream": {"S": stream}}


def code(fault: Any) -> str:
    return str(fault.value.response["Error"]["Code"])


class CloudContract:
    @pytest.fixture
    def dynamodb(self, cloud: Cloud) -> Any:
        return cloud.client("dynamodb")

    @pytest.fixture
    def events(self, cloud: Cloud) -> str:
        return cloud.table("contract-events", EVENTS)

    @pytest.fixture
    def status(self, cloud: Cloud) -> str:
        return cloud.table("contract-status", ORDER_STATUS)

    @pytest.fixture
    def markers(self, cloud: Cloud) -> str:
        return cloud.table("contract-markers", PARKED)

    @pytest.fixture
    def stream(self) -> str:
        return f"order-{next(NUMBERS)}"

    def put(self, dynamodb: Any, table: str, item: dict[str, Any]) -> None:
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(#stream)",
            ExpressionAttributeNames={"#stream": "stream"},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def test_a_condition_that_fails_shows_what_stands_and_changes_nothing(
        self, dynamodb: Any, events: str, stream: str
    ) -> None:
        first = event(stream, 1, hash={"B": b"\0\xff"})
        self.put(dynamodb, events, first)
        with pytest.raises(ClientError) as fault:
            self.put(dynamodb, events, event(stream, 1, hash={"B": b"other"}))
        assert code(fault) == "ConditionalCheckFailedException"
        assert fault.value.response["Item"] == first  # type: ignore[typeddict-item]
        self.put(dynamodb, events, event(stream, 2))

    def test_a_put_without_a_condition_overwrites(
        self, dynamodb: Any, events: str, stream: str
    ) -> None:
        dynamodb.put_item(TableName=events, Item=event(stream, 1, at={"S": "noon"}))
        dynamodb.put_item(TableName=events, Item=event(stream, 1))
        assert self.query(dynamodb, events, stream)["Items"] == [event(stream, 1)]

    def query(self, dynamodb: Any, events: str, stream: str, **more: Any) -> Any:
        return dynamodb.query(
            TableName=events,
            KeyConditionExpression="#stream = :stream AND #commit > :after",
            ExpressionAttributeNames={"#stream": "stream", "#commit": "commit"},
            ExpressionAttributeValues={":stream": {"S": stream}, ":after": {"N": "0"}},
            ConsistentRead=True,
            **more,
        )

    def test_a_query_goes_by_number_in_pages(self, dynamodb: Any, events: str, stream: str) -> None:
        for number in (10, 2, 1):
            dynamodb.put_item(TableName=events, Item=event(stream, number))
        page = self.query(dynamodb, events, stream, Limit=2)
        assert page["Items"] == [event(stream, 1), event(stream, 2)]
        assert page["LastEvaluatedKey"] == event(stream, 2)
        rest = self.query(dynamodb, events, stream, ExclusiveStartKey=event(stream, 2))
        assert rest["Items"] == [event(stream, 10)]
        assert "LastEvaluatedKey" not in rest
        last = self.query(dynamodb, events, stream, Limit=1, ScanIndexForward=False)
        assert last["Items"] == [event(stream, 10)]

    def test_a_page_holds_a_megabyte(self, dynamodb: Any, events: str, stream: str) -> None:
        for number in range(1, 6):
            large = event(stream, number, body={"S": "x" * 300_000})
            dynamodb.put_item(TableName=events, Item=large)
        page = self.query(dynamodb, events, stream)
        assert 3 <= len(page["Items"]) <= 4
        assert page["LastEvaluatedKey"] == event(stream, len(page["Items"]))

    def test_an_item_that_is_too_large_is_refused(
        self, dynamodb: Any, events: str, stream: str
    ) -> None:
        with pytest.raises(ClientError) as fault:
            self.put(dynamodb, events, event(stream, 1, body={"S": "x" * 410 * 1024}))
        assert code(fault) == "ValidationException"

    def test_a_scan_comes_to_everything_once_however_it_is_cut(
        self, dynamodb: Any, events: str
    ) -> None:
        expected = [event(f"scanned-{n}", number) for n in range(4) for number in (1, 2)]
        for item in expected:
            dynamodb.put_item(TableName=events, Item=item)
        for limit in (1, 3, 100):
            found: list[Any] = []
            start: dict[str, Any] = {}
            while True:
                page = dynamodb.scan(TableName=events, Limit=limit, ConsistentRead=True, **start)
                found += [one for one in page["Items"] if "scanned" in one["stream"]["S"]]
                if not page.get("LastEvaluatedKey"):
                    break
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
            assert sorted(found, key=str) == sorted(expected, key=str)

    def test_an_update_sets_keeps_and_removes_where_its_condition_holds(
        self, dynamodb: Any, status: str, stream: str
    ) -> None:
        def move(start: int, end: int, since: str) -> None:
            dynamodb.update_item(
                TableName=status,
                Key={"stream": {"S": stream}},
                ConditionExpression="attribute_not_exists(#stream)"
                " OR (#commit = :start AND #commit < :end)",
                UpdateExpression="SET #commit = :end, #since = if_not_exists(#since, :since)"
                " REMOVE #reason",
                ExpressionAttributeNames={
                    **{"#stream": "stream", "#commit": "commit"},
                    **{"#since": "since", "#reason": "reason"},
                },
                ExpressionAttributeValues={
                    ":start": {"N": str(start)},
                    ":end": {"N": str(end)},
                    ":since": {"S": since},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )

        move(5, 9, "noon")  # there is nothing, so nothing is compared
        move(9, 10, "night")
        standing = event(stream, 10, since={"S": "noon"})
        found = dynamodb.get_item(
            TableName=status, Key={"stream": {"S": stream}}, ConsistentRead=True
        )
        assert found["Item"] == standing
        with pytest.raises(ClientError) as fault:
            move(9, 11, "night")
        assert fault.value.response["Item"] == standing  # type: ignore[typeddict-item]

    def test_an_index_holds_what_has_its_keys(
        self, dynamodb: Any, status: str, stream: str
    ) -> None:
        parked = {"stream": {"S": f"{stream}-parked"}, "parked": {"N": "1"}}
        dynamodb.put_item(TableName=status, Item=parked)
        dynamodb.put_item(TableName=status, Item={"stream": {"S": stream}})
        page = dynamodb.scan(TableName=status, IndexName="parked", Limit=100)
        found = [one["stream"]["S"] for one in page["Items"]]
        assert f"{stream}-parked" in found
        assert stream not in found

    def test_a_deletion_keeps_its_condition(self, dynamodb: Any, markers: str, stream: str) -> None:
        def clear(up_to: int) -> None:
            dynamodb.delete_item(
                TableName=markers,
                Key=marker("relay", stream),
                ConditionExpression="attribute_not_exists(#commit) OR #commit <= :up_to",
                ExpressionAttributeNames={"#commit": "commit"},
                ExpressionAttributeValues={":up_to": {"N": str(up_to)}},
            )

        clear(1)  # what is not there is no fault
        item = marker("relay", stream) | {"commit": {"N": "7"}}
        dynamodb.put_item(TableName=markers, Item=item)
        with pytest.raises(ClientError) as fault:
            clear(6)
        assert code(fault) == "ConditionalCheckFailedException"
        clear(7)
        keys = {markers: {"Keys": [marker("relay", stream)], "ConsistentRead": True}}
        assert dynamodb.batch_get_item(RequestItems=keys)["Responses"][markers] == []

    def test_a_batch_of_keys_has_its_limit(self, dynamodb: Any, markers: str) -> None:
        keys = [marker("relay", str(number)) for number in range(101)]
        with pytest.raises(ClientError) as fault:
            dynamodb.batch_get_item(RequestItems={markers: {"Keys": keys}})
        assert code(fault) == "ValidationException"

    def test_an_object_is_put_once_where_none_may_be(self, cloud: Cloud) -> None:
        s3, bucket = cloud.client("s3"), cloud.bucket()
        s3.put_object(Bucket=bucket, Key="events/1.json", Body=b"first", IfNoneMatch="*")
        with pytest.raises(ClientError) as fault:
            s3.put_object(Bucket=bucket, Key="events/1.json", Body=b"second", IfNoneMatch="*")
        assert code(fault) == "PreconditionFailed"
        s3.put_object(Bucket=bucket, Key="events/2.json", Body=b"second", IfNoneMatch="*")

    def test_the_log_answers_for_each_record_and_keeps_their_order(self, cloud: Cloud) -> None:
        kinesis, log = cloud.client("kinesis"), cloud.log()
        for number in range(3):
            records = [{"PartitionKey": key, "Data": b"%d" % number} for key in ("a", "b")]
            answer = kinesis.put_records(StreamName=log, Records=records)
            assert answer["FailedRecordCount"] == 0
            assert [one.get("ErrorCode") for one in answer["Records"]] == [None, None]
            numbers = [one["SequenceNumber"] for one in answer["Records"]]
            assert len(set(numbers)) == 2
        assert [data for key, data in cloud.records(log) if key == "a"] == [b"0", b"1", b"2"]

    def test_the_bus_answers_for_each_event_and_has_its_limit(self, cloud: Cloud) -> None:
        events, bus = cloud.client("events"), cloud.bus()
        entry = {"EventBusName": bus, "Source": "test", "DetailType": "Told", "Detail": "{}"}
        answer = events.put_events(Entries=[entry, entry])
        assert answer["FailedEntryCount"] == 0
        assert [one.get("ErrorCode") for one in answer["Entries"]] == [None, None]
        with pytest.raises(ClientError) as fault:
            events.put_events(Entries=[entry] * 11)
        assert code(fault) == "ValidationException"
