"""A Lambda function with a role of its own, its log group, and nothing that it does not need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.deployment import Deployment
from infra.policies import Statement, allow, document, trusting

VPC_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a function stands that reaches the database: subnets and security groups."""

    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]

    def vpc_config(self) -> aws.lambda_.FunctionVpcConfigArgs:
        return aws.lambda_.FunctionVpcConfigArgs(
            subnet_ids=list(self.subnet_ids), security_group_ids=list(self.security_group_ids)
        )


@dataclass(frozen=True, kw_only=True)
class ServiceFunctionArgs:
    """`key` names function and module: "command-worker" runs functions/command_worker.py."""

    deployment: Deployment
    key: str
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    timeout_s: int
    placement: Placement | None = None
    concurrency: int | None = None


class ServiceFunction(pulumi.ComponentResource):
    """Outputs: name, arn, invoke_arn. Attributes: key, timeout_s."""

    def __init__(
        self, name: str, args: ServiceFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:ServiceFunction", name, None, opts)
        self.key, self.timeout_s = args.key, args.timeout_s
        child = pulumi.ResourceOptions(parent=self)
        deployment, function_name = args.deployment, args.deployment.name(args.key)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{function_name}",
            retention_in_days=deployment.settings.log_retention_days,
            opts=child,
        )
        role = aws.iam.Role(
            name,
            name=function_name,
            assume_role_policy=trusting("lambda.amazonaws.com"),
            opts=child,
        )
        granted = self._grant(name, args, role, log_group, child)
        self.function = aws.lambda_.Function(
            name,
            name=function_name,
            role=role.arn,
            runtime=aws.lambda_.Runtime.PYTHON3D13,
            architectures=["arm64"],
            handler=f"reference_service.functions.{args.key.replace('-', '_')}.handler",
            code=deployment.code,
            layers=list(deployment.layers),
            timeout=args.timeout_s,
            memory_size=deployment.settings.size.function_memory_mb,
            reserved_concurrent_executions=args.concurrency,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=self._environment(args)),
            logging_config={
                "log_format": "JSON",
                "log_group": log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "WARN",
            },
            vpc_config=args.placement.vpc_config() if args.placement else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=granted),
        )
        self.name, self.arn = self.function.name, self.function.arn
        self.invoke_arn = self.function.invoke_arn
        self.register_outputs({"name": self.name, "arn": self.arn, "invoke_arn": self.invoke_arn})

    def _grant(
        self,
        name: str,
        args: ServiceFunctionArgs,
        role: aws.iam.Role,
        log_group: aws.cloudwatch.LogGroup,
        child: pulumi.ResourceOptions,
    ) -> list[pulumi.Resource]:
        write_logs = allow(
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            pulumi.Output.concat(log_group.arn, ":*"),
        )
        granted: list[pulumi.Resource] = [
            aws.iam.RolePolicy(
                name,
                name="permissions",
                role=role.name,
                policy=document([write_logs, *args.statements]),
                opts=child,
            )
        ]
        if args.placement:
            granted.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-network", role=role.name, policy_arn=VPC_POLICY, opts=child
                )
            )
        return granted

    @staticmethod
    def _environment(args: ServiceFunctionArgs) -> dict[str, pulumi.Input[str]]:
        endpoint = args.deployment.settings.endpoint
        return {**args.environment, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})}
