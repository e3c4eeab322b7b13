"""contracts/openapi.json: the HTTP API, OpenAPI 3.1, from http_api.json and what it names.

https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http.client import responses
from typing import Any

from bitacora.contracts.documents import ContractFault
from bitacora.contracts.folder import HTTP_API, Version
from bitacora.contracts.generate.components import Components, as_text
from bitacora.contracts.generate.language import Language

PROBLEM_TYPE = "urn:bitacora:problem:"


def openapi(language: Language) -> str:
    return as_text(_Document(language).made())


class _Document:
    def __init__(self, language: Language) -> None:
        self._language, self._api = language, language.http_api
        self._components = Components(language)
        self._examples: dict[str, Any] = {}

    def made(self) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for route in self._api["routes"]:
            method, path = route["route"].split(" ")
            paths.setdefault(path, {})[method.lower()] = self._operation(route)
        return {
            "openapi": "3.1.1",
            "info": {key: self._api[key] for key in ("title", "description", "version")},
            "servers": [{"url": "/", "description": "Output api_url of the stack."}],
            "security": [{name: []} for name in self._api["security"]],
            "paths": paths,
            "components": {
                "securitySchemes": self._api["security"],
                "parameters": {
                    name: {"name": name, **parameter}
                    for name, parameter in self._api["parameters"].items()
                },
                "headers": self._api["headers"],
                "examples": dict(sorted(self._examples.items())),
                "schemas": dict(sorted(self._components.schemas.items())),
            },
        }

    def _operation(self, route: Mapping[str, Any]) -> dict[str, Any]:
        operation: dict[str, Any] = {
            "operationId": route["operation"],
            "summary": route["summary"],
            "description": route["description"],
            "parameters": [self._reference("parameters", name) for name in route["parameters"]],
        }
        if "command" in route:
            command = self._language.version(route["command"])
            content = {"application/json": self._media(command)}
            operation["requestBody"] = {"required": True, "content": content}
        answer = route["answer"]
        responses = {str(answer["status"]): self._answer(answer)} | self._refusals(route)
        if "unchanged" in route:
            responses["304"] = self._unchanged(route["unchanged"])
        return {**operation, "responses": dict(sorted(responses.items()))}

    def _answer(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "description": answer["description"],
            "headers": self._answer_headers(answer),
            "content": {"application/json": self._media(self._language.version(answer["schema"]))},
        }

    def _unchanged(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """An answer without a body."""
        return {"description": answer["description"], "headers": self._answer_headers(answer)}

    def _answer_headers(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return self._headers([*answer["headers"], *answer.get("optional_headers", [])])

    def _refusals(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """By status: the problems of the route, and what API Gateway says by itself."""
        gateway = self._api["gateway"]
        problems = {kind: self._problem(kind) for kind in route["problems"]}
        statuses = {str(problem["status"]) for problem in problems.values()}
        refusals: dict[str, Any] = {}
        for status in sorted(statuses | gateway["statuses"].keys()):
            here = {kind: p for kind, p in problems.items() if str(p["status"]) == status}
            told = [f"- `{PROBLEM_TYPE}{kind}`: {p['description']}" for kind, p in here.items()]
            content: dict[str, Any] = {}
            if here:
                content["application/problem+json"] = self._problem_media(here)
            if status in gateway["statuses"]:
                told.append(f"- API Gateway: {gateway['statuses'][status]}")
                schema = self._components.ref(self._language.version(gateway["schema"]))
                message = {"message": responses[int(status)]}
                content["application/json"] = {"schema": schema, "example": message}
            headers = _each(problem["headers"] for problem in here.values())
            refusals[status] = {
                "description": "\n".join(told),
                "headers": self._headers(headers, always=bool(here)),
                "content": content,
            }
        return refusals

    def _problem(self, kind: str) -> dict[str, Any]:
        """What http_api.json says of a kind of problem, when that can be said of a problem."""
        if kind not in self._api["problems"]:
            raise ContractFault(HTTP_API, "/problems", f"holds no problem {kind}")
        problem: dict[str, Any] = self._api["problems"][kind]
        if str(problem["status"]) not in self._api["titles"]:
            raise ContractFault(HTTP_API, "/titles", f"holds no title for {problem['status']}")
        version = self._language.version(self._api["problem"])
        members = self._language.schemas[version].get("properties", {})
        for member in problem["members"]:
            if member not in members:
                what = f"{member} is no property of {self._api['problem']}"
                raise ContractFault(HTTP_API, f"/problems/{kind}/members", what)
        return problem

    def _problem_media(self, problems: Mapping[str, Any]) -> dict[str, Any]:
        """The schema of problems narrowed to these, each with the members that it has."""
        version = self._language.version(self._api["problem"])
        shown = self._language.example(version, "full")
        forms = []
        for kind, problem in problems.items():
            name, members = PROBLEM_TYPE + kind, problem["members"]
            form = {"properties": {"type": {"const": name}}}
            forms.append({**form, "required": members} if members else form)
            self._examples[kind] = {
                "value": {
                    "type": name,
                    "title": self._api["titles"][str(problem["status"])],
                    "status": problem["status"],
                    "detail": problem["description"],
                    **{member: shown[member] for member in members},
                }
            }
        return {
            "schema": {"allOf": [self._components.ref(version), {"oneOf": forms}]},
            "examples": {kind: {"$ref": f"#/components/examples/{kind}"} for kind in problems},
        }

    def _media(self, version: Version) -> dict[str, Any]:
        examples = {}
        for form in ("minimal", "full"):
            key = f"{self._language.title(version)}.v{version.number}.{form}"
            self._examples[key] = {"value": self._language.example(version, form)}
            examples[form] = {"$ref": f"#/components/examples/{key}"}
        return {"schema": self._components.ref(version), "examples": examples}

    def _headers(self, names: Iterable[str], always: bool = True) -> dict[str, Any]:
        given = [*names, *(self._api["always"] if always else [])]
        return {name: self._reference("headers", name) for name in given}

    def _reference(self, kind: str, name: str) -> dict[str, str]:
        if name not in self._api[kind]:
            raise ContractFault(HTTP_API, f"/{kind}", f"holds no {name}")
        return {"$ref": f"#/components/{kind}/{name}"}


def _each(lists: Iterable[Sequence[str]]) -> list[str]:
    """What stands in any of the lists, once, in order."""
    return list(dict.fromkeys(item for items in lists for item in items))
