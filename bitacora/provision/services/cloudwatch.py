"""CloudWatch alarms and dashboards."""

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind

ALARM = ("alarmDescription", "comparisonOperator", "evaluationPeriods", "period", "threshold")


@kind("aws:cloudwatch/metricAlarm:MetricAlarm", *ALARM)
def alarm(new: New) -> Made:
    name = new.take("name")
    new.create("cloudwatch", "PutMetricAlarm", AlarmName=name)
    return Made(name, {"arn": _arn(new, f"alarm:{name}")})


@kind("aws:cloudwatch/dashboard:Dashboard", "dashboardBody")
def dashboard(new: New) -> Made:
    answer = new.create("cloudwatch", "PutDashboard")
    if faults := answer.get("DashboardValidationMessages"):
        raise ProvisionError(f"PutDashboard: {faults[0]['Message']}")
    return Made(new.inputs["dashboardName"])


def _arn(new: New, resource: str) -> str:
    return f"arn:aws:cloudwatch:{new.cloud.region}:{new.cloud.account_id}:{resource}"
