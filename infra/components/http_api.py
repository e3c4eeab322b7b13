"""The door for customers: an HTTP API that lets in who holds a token of the issuer."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.service_function import ServiceFunction
from infra.deployment import Deployment
from infra.routing import HTTP_API, routes

# "$context.…" are API Gateway's variables; no header and no body of a customer is logged.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "at": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "subject": "$context.authorizer.claims.sub",
    "error": "$context.error.message",
    "integration_error": "$context.integrationErrorMessage",
}


@dataclass(frozen=True)
class HttpApiArgs:
    """contracts/http_api.json says which route leads to which of the functions."""

    deployment: Deployment
    functions: Sequence[ServiceFunction]


class HttpApi(Capability):
    """Outputs: api_url."""

    def __init__(
        self, name: str, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:HttpApi", name, None, opts)
        self.deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.api = aws.apigatewayv2.Api(
            "api", name=self.deployment.name("api"), protocol_type="HTTP", opts=child
        )
        self.authorizer = aws.apigatewayv2.Authorizer(
            "customers",
            name="customers",
            api_id=self.api.id,
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={
                "issuer": self.deployment.settings.jwt_issuer,
                "audiences": list(self.deployment.settings.jwt_audience),
            },
            opts=child,
        )
        keys_of = routes()
        made = [
            route
            for function in args.functions
            for route in self._routes(function, keys_of.pop(function.key))
        ]
        if keys_of:
            raise ValueError(f"{HTTP_API}: no function stands behind {', '.join(keys_of)}")
        self._stage(made)
        self.exports = {"api_url": self.api.api_endpoint}
        self.register_outputs({**self.exports})

    def _routes(
        self, function: ServiceFunction, route_keys: Sequence[str]
    ) -> list[aws.apigatewayv2.Route]:
        child = pulumi.ResourceOptions(parent=self)
        integration = aws.apigatewayv2.Integration(
            function.key,
            api_id=self.api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=function.invoke_arn,
            payload_format_version="2.0",
            timeout_milliseconds=1000 * (function.timeout_s + 1),
            opts=child,
        )
        aws.lambda_.Permission(
            f"api-{function.key}",
            statement_id="http-api",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self.api.execution_arn, "/*/*"),
            opts=child,
        )
        return [
            aws.apigatewayv2.Route(
                route,
                api_id=self.api.id,
                route_key=route,
                target=pulumi.Output.concat("integrations/", integration.id),
                authorization_type="JWT",
                authorizer_id=self.authorizer.id,
                opts=child,
            )
            for route in route_keys
        ]

    def _stage(self, routes: list[aws.apigatewayv2.Route]) -> None:
        settings = self.deployment.settings
        access_log = aws.cloudwatch.LogGroup(
            "api",
            # The prefix keeps API Gateway's resource policy on log groups under its size limit.
            name=f"/aws/vendedlogs/{self.deployment.name('api')}",
            retention_in_days=settings.log_retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.apigatewayv2.Stage(
            "default",
            api_id=self.api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings={
                "destination_arn": access_log.arn,
                "format": pulumi.Output.json_dumps(ACCESS_LOG),
            },
            default_route_settings={
                "throttling_rate_limit": settings.size.api_requests_per_s,
                "throttling_burst_limit": settings.size.api_burst,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=routes),
        )
