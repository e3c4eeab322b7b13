"""The network: VPC, subnets, routes, security groups, endpoints. The emulator keeps it on paper."""

from typing import Any

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind


@kind("aws:ec2/vpc:Vpc")
def vpc(new: New) -> Made:
    attributes = {name: new.take(name, None) for name in ("enableDnsSupport", "enableDnsHostnames")}
    made = new.create("ec2", "CreateVpc", TagSpecifications=_tags(new, "vpc"))["Vpc"]["VpcId"]
    for name, value in attributes.items():
        if value is not None:
            member = name[0].upper() + name[1:]
            new.send("ec2", "ModifyVpcAttribute", VpcId=made, **{member: {"Value": value}})
    return Made(made, {"arn": _arn(new, f"vpc/{made}")})


@kind("aws:ec2/subnet:Subnet")
def subnet(new: New) -> Made:
    public = new.take("mapPublicIpOnLaunch", False)
    tags = _tags(new, "subnet")
    made = new.create("ec2", "CreateSubnet", TagSpecifications=tags)["Subnet"]["SubnetId"]
    if public:
        new.send("ec2", "ModifySubnetAttribute", SubnetId=made, MapPublicIpOnLaunch={"Value": True})
    return Made(made, {"arn": _arn(new, f"subnet/{made}")})


@kind("aws:ec2/routeTable:RouteTable")
def route_table(new: New) -> Made:
    tags = _tags(new, "route-table")
    made = new.create("ec2", "CreateRouteTable", TagSpecifications=tags)
    return Made(made["RouteTable"]["RouteTableId"])


@kind("aws:ec2/routeTableAssociation:RouteTableAssociation")
def route_table_association(new: New) -> Made:
    return Made(new.create("ec2", "AssociateRouteTable")["AssociationId"])


@kind("aws:ec2/securityGroup:SecurityGroup")
def security_group(new: New) -> Made:
    name = new.take("name")
    tags = _tags(new, "security-group")
    made = new.create("ec2", "CreateSecurityGroup", GroupName=name, TagSpecifications=tags)
    id_ = made["GroupId"]
    # A new group may send anywhere; the provider takes that away, so that the program says all.
    _revoke(new, id_, "Egress")
    return Made(id_, {"arn": _arn(new, f"security-group/{id_}")})


@kind("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
def default_security_group(new: New) -> Made:
    """The group that comes with a VPC, without any rule."""
    vpc = new.take("vpcId")
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    groups = new.send("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    if len(groups) != 1:
        raise ProvisionError(f"{vpc} has {len(groups)} default security groups")
    id_ = groups[0]["GroupId"]
    _revoke(new, id_, "Ingress")
    _revoke(new, id_, "Egress")
    return Made(id_, {"arn": _arn(new, f"security-group/{id_}")})


@kind("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
def ingress(new: New) -> Made:
    return _rule(new, "AuthorizeSecurityGroupIngress")


@kind("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
def egress(new: New) -> Made:
    return _rule(new, "AuthorizeSecurityGroupEgress")


@kind("aws:ec2/vpcEndpoint:VpcEndpoint")
def vpc_endpoint(new: New) -> Made:
    service = new.inputs["serviceName"]
    renamed = {"policy": "PolicyDocument"}
    tags = _tags(new, "vpc-endpoint")
    made = new.create("ec2", "CreateVpcEndpoint", renamed, TagSpecifications=tags)
    id_ = made["VpcEndpoint"]["VpcEndpointId"]
    outputs = {"arn": _arn(new, f"vpc-endpoint/{id_}")}
    if new.inputs.get("vpcEndpointType", "Gateway") == "Gateway":
        filters = [{"Name": "prefix-list-name", "Values": [service]}]
        lists = new.send("ec2", "DescribePrefixLists", Filters=filters)["PrefixLists"]
        if not lists:
            raise ProvisionError(f"there is no prefix list for {service}")
        outputs["prefixListId"] = lists[0]["PrefixListId"]
    return Made(id_, outputs)


@kind("aws:ec2/flowLog:FlowLog")
def flow_log(new: New) -> Made:
    id_ = new.take("vpcId")
    tags = _tags(new, "vpc-flow-log")
    answer = new.create(
        "ec2",
        "CreateFlowLogs",
        {"iamRoleArn": "DeliverLogsPermissionArn"},
        ResourceIds=[id_],
        ResourceType="VPC",
        TagSpecifications=tags,
    )
    if failed := answer.get("Unsuccessful"):
        raise ProvisionError(f"CreateFlowLogs: {failed[0]['Error']['Message']}")
    return Made(answer["FlowLogIds"][0])


def _rule(new: New, operation: str) -> Made:
    group = new.take("securityGroupId")
    permission = {
        "IpProtocol": new.take("ipProtocol"),
        "FromPort": new.take("fromPort", None),
        "ToPort": new.take("toPort", None),
    }
    description = new.take("description", None)
    peers = {
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    }
    for name, (member, key) in peers.items():
        if peer := new.take(name, None):
            entry = {key: peer, "Description": description}
            permission[member] = [{k: v for k, v in entry.items() if v is not None}]
    given = {key: value for key, value in permission.items() if value is not None}
    answer = new.send("ec2", operation, GroupId=group, IpPermissions=[given])
    rules = answer.get("SecurityGroupRules") or [{}]
    id_ = rules[0].get("SecurityGroupRuleId", f"{group}-{operation}")
    return Made(id_, {"securityGroupRuleId": id_})


def _revoke(new: New, group: str, direction: str) -> None:
    found = new.send("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    rules = found["IpPermissions" if direction == "Ingress" else "IpPermissionsEgress"]
    if rules:
        new.send("ec2", f"RevokeSecurityGroup{direction}", GroupId=group, IpPermissions=rules)


def _tags(new: New, resource: str) -> list[dict[str, Any]] | None:
    tags = [{"Key": key, "Value": value} for key, value in new.take("tags", {}).items()]
    return [{"ResourceType": resource, "Tags": tags}] if tags else None


def _arn(new: New, resource: str) -> str:
    return f"arn:aws:ec2:{new.cloud.region}:{new.cloud.account_id}:{resource}"
