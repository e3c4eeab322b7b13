"""One rule turns Pulumi's inputs into requests of the AWS API."""

from typing import Any

import botocore.session
import pytest

from bitacora.provision.names import Untranslated, translate

SESSION = botocore.session.get_session()


def request(
    service: str, operation: str, inputs: dict[str, Any], names: dict[str, str] | None = None
) -> Any:
    model = SESSION.get_service_model(service).operation_model(operation)
    return translate(inputs, model.input_shape, names or {})


def test_the_same_letters_are_the_same_member() -> None:
    assert request("lambda", "CreateEventSourceMapping", {"batchSize": 10}) == {"BatchSize": 10}
    assert request("sqs", "CreateQueue", {"queueName": "q"}) == {"QueueName": "q"}


def test_a_member_may_repeat_words_of_its_structure() -> None:
    assert request("dynamodb", "CreateTable", {"name": "t"}) == {"TableName": "t"}
    assert request("kms", "CreateAlias", {"name": "alias/a"}) == {"AliasName": "alias/a"}
    assert request(
        "dynamodb",
        "CreateTable",
        {"attributes": [{"name": "stream", "type": "S"}]},
        {"attributes": "AttributeDefinitions"},
    ) == {"AttributeDefinitions": [{"AttributeName": "stream", "AttributeType": "S"}]}


def test_two_candidates_are_no_translation() -> None:
    # PutMetricAlarm has both AlarmName and MetricName.
    with pytest.raises(Untranslated, match="name"):
        request("cloudwatch", "PutMetricAlarm", {"name": "a"})


def test_nested_structures_are_translated_and_named_by_path() -> None:
    mapping = {"destinationConfig": {"onFailure": {"destinationArn": "arn:aws:sqs:::q"}}}
    names = {"destinationConfig.onFailure.destinationArn": "Destination"}
    assert request("lambda", "CreateEventSourceMapping", mapping, names) == {
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:::q"}}
    }


def test_an_input_without_a_member_is_an_error_with_its_path() -> None:
    with pytest.raises(Untranslated) as error:
        request("lambda", "CreateFunction", {"vpcConfig": {"subnetIds": [], "typo": 1}})
    assert str(error.value) == "vpcConfig.typo"


def test_maps_stay_as_the_program_wrote_them() -> None:
    environment = {"environment": {"variables": {"someThing": "a", "OTHER": "b"}}}
    assert request("lambda", "CreateFunction", environment) == {
        "Environment": {"Variables": {"someThing": "a", "OTHER": "b"}}
    }
    assert request("lambda", "CreateFunction", {"tags": {"camelCase": "x"}}) == {
        "Tags": {"camelCase": "x"}
    }


def test_a_map_becomes_a_list_of_pairs_in_the_services_own_words() -> None:
    tags = {"tags": {"team": "orders"}}
    assert request("dynamodb", "CreateTable", tags)["Tags"] == [{"Key": "team", "Value": "orders"}]
    assert request("kms", "CreateKey", tags)["Tags"] == [{"TagKey": "team", "TagValue": "orders"}]
    dimensions = request("cloudwatch", "PutMetricAlarm", {"dimensions": {"QueueName": "q"}})
    assert dimensions == {"Dimensions": [{"Name": "QueueName", "Value": "q"}]}
    assert request("kms", "CreateKey", {"tags": {}}) == {"Tags": []}


def test_the_shape_decides_between_one_object_and_a_list() -> None:
    assert request("lambda", "CreateFunction", {"loggingConfig": [{"logFormat": "JSON"}]}) == {
        "LoggingConfig": {"LogFormat": "JSON"}
    }
    assert request(
        "lambda", "CreateEventSourceMapping", {"filterCriteria": {"filters": {"pattern": "{}"}}}
    ) == {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}


def test_text_for_a_blob_is_bytes() -> None:
    assert request("kinesis", "PutRecord", {"data": "x"}) == {"Data": b"x"}
