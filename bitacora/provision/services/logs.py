"""CloudWatch Logs."""

from bitacora.provision.kinds import Made, New, kind


@kind("aws:cloudwatch/logGroup:LogGroup")
def log_group(new: New) -> Made:
    new.leave("skipDestroy")
    name, days = new.take("name"), new.take("retentionInDays", None)
    new.create("logs", "CreateLogGroup", logGroupName=name)
    if days:
        new.send("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    arn = f"arn:aws:logs:{new.cloud.region}:{new.cloud.account_id}:log-group:{name}"
    return Made(name, {"arn": arn})
