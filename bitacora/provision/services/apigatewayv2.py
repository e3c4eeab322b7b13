"""HTTP APIs. Their URL is the emulator's, on loopback."""

import hashlib

from bitacora.provision.kinds import Made, New, kind


@kind("aws:apigatewayv2/api:Api")
def api(new: New) -> Made:
    cloud, name = new.cloud, new.inputs["name"]
    # The emulator takes an API's id from this tag: the same name keeps its URL.
    id_ = hashlib.sha256(name.encode()).hexdigest()[:10]
    tags = {**new.take("tags", {}), "ms-custom-id": id_}
    made = new.create("apigatewayv2", "CreateApi", Tags=tags)["ApiId"]
    return Made(
        made,
        {
            "apiEndpoint": f"{cloud.endpoint}/_aws/execute-api/{made}/$default",
            "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{made}",
            "arn": f"arn:aws:apigateway:{cloud.region}::/apis/{made}",
        },
    )


@kind("aws:apigatewayv2/authorizer:Authorizer")
def authorizer(new: New) -> Made:
    made = new.create(
        "apigatewayv2",
        "CreateAuthorizer",
        {"identitySources": "IdentitySource", "jwtConfiguration.audiences": "Audience"},
    )
    return Made(made["AuthorizerId"])


@kind("aws:apigatewayv2/integration:Integration")
def integration(new: New) -> Made:
    made = new.create(
        "apigatewayv2", "CreateIntegration", {"timeoutMilliseconds": "TimeoutInMillis"}
    )
    return Made(made["IntegrationId"])


@kind("aws:apigatewayv2/route:Route")
def route(new: New) -> Made:
    return Made(new.create("apigatewayv2", "CreateRoute")["RouteId"])


@kind("aws:apigatewayv2/stage:Stage")
def stage(new: New) -> Made:
    name = new.take("name")
    new.create("apigatewayv2", "CreateStage", StageName=name)
    url = f"{new.cloud.endpoint}/_aws/execute-api/{new.inputs['apiId']}/{name}"
    return Made(name, {"invokeUrl": url})
