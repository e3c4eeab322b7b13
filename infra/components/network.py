"""Private subnets without a way out: what stands here reaches AWS through endpoints only."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.service_function import Placement
from infra.deployment import Deployment
from infra.policies import allow, document, trusting

CIDR = "10.71.0.0/16"
# Free: routes to the service. Each other endpoint costs by hour and zone.
GATEWAYS = ("dynamodb", "s3")
# The migration reads the database's master secret, operations publishes events again, queries
# unwrap the keys of customers.
INTERFACES = ("secretsmanager", "events", "kms")
HTTPS = 443


@dataclass(frozen=True)
class NetworkArgs:
    deployment: Deployment


class Network(pulumi.ComponentResource):
    """Outputs: vpc_id, subnet_ids. Attributes: functions (a Placement), database_group_id.

    Functions may open connections to the database and the endpoints, nothing may connect to them.
    """

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Network", name, None, opts)
        self.deployment, self.child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=CIDR,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": args.deployment.name("vpc")},
            opts=self.child,
        )
        self.vpc_id = self.vpc.id
        # Given without rules, the VPC's default group admits nothing.
        aws.ec2.DefaultSecurityGroup("default", vpc_id=self.vpc_id, opts=self.child)
        self._flow_log()
        routes = aws.ec2.RouteTable("private", vpc_id=self.vpc_id, opts=self.child)
        self.subnet_ids = [self._subnet(n, routes) for n in range(len(args.deployment.zones))]
        functions = self._group("functions", "Functions that reach the database")
        database = self._group("database", "The read side's database")
        endpoints = self._group("endpoints", "Interface endpoints")
        self._admit("database", functions, database, args.deployment.settings.database_port)
        self._admit("endpoints", functions, endpoints, HTTPS)
        for service in GATEWAYS:
            self._gateway(service, routes, functions)
        zones = args.deployment.settings.interface_endpoint_zones
        for service in INTERFACES:
            self._interface(service, self.subnet_ids[:zones], endpoints)
        self.database_group_id = database.id
        self.functions = Placement(subnet_ids=self.subnet_ids, security_group_ids=[functions.id])
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

    def _subnet(self, n: int, routes: aws.ec2.RouteTable) -> pulumi.Output[str]:
        subnet = aws.ec2.Subnet(
            f"private-{n}",
            vpc_id=self.vpc_id,
            cidr_block=f"10.71.{16 * n}.0/20",
            availability_zone=self.deployment.zones[n],
            map_public_ip_on_launch=False,
            tags={"Name": self.deployment.name(f"private-{n}")},
            opts=self.child,
        )
        aws.ec2.RouteTableAssociation(
            f"private-{n}", subnet_id=subnet.id, route_table_id=routes.id, opts=self.child
        )
        return subnet.id

    def _group(self, key: str, description: str) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            key,
            name=self.deployment.name(key),
            description=description,
            vpc_id=self.vpc_id,
            opts=self.child,
        )

    def _admit(
        self, key: str, source: aws.ec2.SecurityGroup, target: aws.ec2.SecurityGroup, port: int
    ) -> None:
        """`source` may connect to `target` on one port: a rule at each end."""
        aws.vpc.SecurityGroupEgressRule(
            f"functions-to-{key}",
            security_group_id=source.id,
            referenced_security_group_id=target.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{key}-from-functions",
            security_group_id=target.id,
            referenced_security_group_id=source.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child,
        )

    def _gateway(
        self, service: str, routes: aws.ec2.RouteTable, functions: aws.ec2.SecurityGroup
    ) -> None:
        endpoint = aws.ec2.VpcEndpoint(
            service,
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{self.deployment.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id],
            opts=self.child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"functions-to-{service}",
            security_group_id=functions.id,
            prefix_list_id=endpoint.prefix_list_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            opts=self.child,
        )

    def _interface(
        self,
        service: str,
        subnet_ids: Sequence[pulumi.Input[str]],
        endpoints: aws.ec2.SecurityGroup,
    ) -> None:
        aws.ec2.VpcEndpoint(
            service,
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{self.deployment.region}.{service}",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=subnet_ids,
            security_group_ids=[endpoints.id],
            opts=self.child,
        )

    def _flow_log(self) -> None:
        name = self.deployment.name("flow-log")
        log_group = aws.cloudwatch.LogGroup(
            "flow-log",
            name=f"/aws/vpc/{name}",
            retention_in_days=self.deployment.settings.log_retention_days,
            opts=self.child,
        )
        role = aws.iam.Role(
            "flow-log",
            name=name,
            assume_role_policy=trusting("vpc-flow-logs.amazonaws.com"),
            opts=self.child,
        )
        aws.iam.RolePolicy(
            "flow-log",
            name="permissions",
            role=role.name,
            policy=document(
                [
                    allow(
                        "WriteLogs",
                        [
                            "logs:CreateLogStream",
                            "logs:PutLogEvents",
                            "logs:DescribeLogStreams",
                        ],
                        pulumi.Output.concat(log_group.arn, ":*"),
                    )
                ]
            ),
            opts=self.child,
        )
        aws.ec2.FlowLog(
            "flow-log",
            vpc_id=self.vpc_id,
            traffic_type="REJECT",
            log_destination=log_group.arn,
            iam_role_arn=role.arn,
            opts=self.child,
        )
