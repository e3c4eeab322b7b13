"""Kinesis data streams."""

import time

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind

ACTIVE_TIMEOUT_S = 30.0
DEFAULT_RETENTION_H = 24


@kind("aws:kinesis/stream:Stream")
def stream(new: New) -> Made:
    new.leave("enforceConsumerDeletion")
    name = new.take("name")
    retention_h = new.take("retentionPeriod", DEFAULT_RETENTION_H)
    key = new.take("kmsKeyId", None)
    encryption = new.take("encryptionType", "NONE")
    new.create("kinesis", "CreateStream", StreamName=name)
    arn = _active(new, name)
    if retention_h != DEFAULT_RETENTION_H:
        new.send(
            "kinesis",
            "IncreaseStreamRetentionPeriod",
            StreamName=name,
            RetentionPeriodHours=retention_h,
        )
    if encryption != "NONE":
        new.send(
            "kinesis",
            "StartStreamEncryption",
            StreamName=name,
            EncryptionType=encryption,
            KeyId=key,
        )
    return Made(arn, {"arn": arn})


def _active(new: New, name: str) -> str:
    deadline = time.monotonic() + ACTIVE_TIMEOUT_S
    while True:
        answer = new.send("kinesis", "DescribeStreamSummary", StreamName=name)
        summary = answer["StreamDescriptionSummary"]
        if summary["StreamStatus"] == "ACTIVE":
            return str(summary["StreamARN"])
        if time.monotonic() > deadline:
            raise ProvisionError(
                f"still {summary['StreamStatus']} after {ACTIVE_TIMEOUT_S:.0f} s, not ACTIVE"
            )
        time.sleep(0.02)
