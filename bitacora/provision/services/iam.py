"""IAM roles and policies."""

from bitacora.provision.kinds import Made, New, kind


@kind("aws:iam/role:Role")
def role(new: New) -> Made:
    new.leave("forceDetachPolicies")
    name = new.take("name")
    answer = new.create(
        "iam", "CreateRole", {"assumeRolePolicy": "AssumeRolePolicyDocument"}, RoleName=name
    )["Role"]
    return Made(name, {"arn": answer["Arn"], "uniqueId": answer["RoleId"]})


@kind("aws:iam/rolePolicy:RolePolicy", "policy")
def role_policy(new: New) -> Made:
    name = new.take("name")
    role = new.take("role")
    new.create("iam", "PutRolePolicy", {"policy": "PolicyDocument"}, RoleName=role, PolicyName=name)
    return Made(f"{role}:{name}")


@kind("aws:iam/policy:Policy")
def policy(new: New) -> Made:
    arn = new.create("iam", "CreatePolicy", {"policy": "PolicyDocument"})["Policy"]["Arn"]
    return Made(arn, {"arn": arn})


@kind("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def role_policy_attachment(new: New) -> Made:
    new.create("iam", "AttachRolePolicy", {"role": "RoleName"})
    return Made(f"{new.inputs['role']}-{new.inputs['policyArn']}")
