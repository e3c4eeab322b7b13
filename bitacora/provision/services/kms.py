"""KMS keys and aliases."""

from bitacora.provision.kinds import Made, New, kind


@kind("aws:kms/key:Key")
def key(new: New) -> Made:
    new.leave("deletionWindowInDays")
    rotated = new.take("enableKeyRotation", False)
    made = new.create("kms", "CreateKey")["KeyMetadata"]
    if rotated:
        new.send("kms", "EnableKeyRotation", KeyId=made["KeyId"])
    return Made(made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]})


@kind("aws:kms/alias:Alias")
def alias(new: New) -> Made:
    name = new.take("name")
    new.create("kms", "CreateAlias", AliasName=name)
    arn = f"arn:aws:kms:{new.cloud.region}:{new.cloud.account_id}:{name}"
    return Made(name, {"arn": arn})
