"""Whether a token lets its signer into the database: asked of the emulator, as RDS asks IAM.

The signed requests are made with botocore's signer alone: the service models of IAM and RDS would
cost the supervisor 30 MB.
"""

import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"
ROOT = Credentials("test", "test")
TIMEOUT_S = 5.0
LIFETIME_LIMIT_S = 900  # AWS: a token is valid for 15 minutes


class Denied(Exception):
    """Why the token does not open the door."""


@dataclass(frozen=True)
class TokenCheck:
    """Check tokens for the cluster that is advertised at `port`, with the emulator's IAM."""

    endpoint: str
    port: int

    def __call__(self, user: str, token: str) -> None:
        """Return if `token` is valid now and its role may connect as `user`; else raise Denied."""
        host, _, query = token.partition("/?")
        self._require_meant_for_us(host, dict(urllib.parse.parse_qsl(query)), user)
        account, role = self._signer(host, query)
        resource = self._cluster_resource_id()
        user_arn = f"arn:aws:rds-db:{REGION}:{account}:dbuser:{resource}/{user}"
        role_arn = f"arn:aws:iam::{account}:role/{role}"
        answer = self._ask(
            "iam",
            "2010-05-08",
            "SimulatePrincipalPolicy",
            {
                "PolicySourceArn": role_arn,
                "ActionNames.member.1": "rds-db:connect",
                "ResourceArns.member.1": user_arn,
            },
        )
        if _element(answer, "EvalDecision") != "allowed":
            raise Denied(f"role {role} has no rds-db:connect on {user_arn}")

    def _require_meant_for_us(self, host: str, claims: dict[str, str], user: str) -> None:
        if claims.get("Action") != "connect":
            raise Denied("the password is no IAM database token")
        if claims.get("DBUser") != user:
            raise Denied(f"the token is for user {claims.get('DBUser')}")
        if not host.endswith(f":{self.port}"):
            raise Denied(f"the token is for {host}, not for port {self.port}")
        try:
            signed_at = datetime.strptime(claims["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
            lifetime_s = min(int(claims["X-Amz-Expires"]), LIFETIME_LIMIT_S)
        except (KeyError, ValueError) as error:
            raise Denied("the token has no valid date") from error
        if datetime.now(UTC) > signed_at.replace(tzinfo=UTC) + timedelta(seconds=lifetime_s):
            raise Denied("the token has expired")

    def _signer(self, host: str, query: str) -> tuple[str, str]:
        """(account, role) whose temporary credentials signed the token.

        A token is a presigned request for the action `connect`, which no service of the emulator
        knows: it verifies the signature first, then names the caller whom it refuses.
        """
        request = urllib.request.Request(f"{self.endpoint}/?{query}", headers={"Host": host})
        answer = _body(request)
        signer = re.search(r"arn:aws:sts::(\d+):assumed-role/([^/\s]+)/", answer)
        if "SignatureDoesNotMatch" in answer or not signer:
            raise Denied("no role's valid signature")
        return signer[1], signer[2]

    def _cluster_resource_id(self) -> str:
        answer = self._ask("rds", "2014-10-31", "DescribeDBClusters", {})
        for cluster in re.findall(r"<DBCluster>.*?</DBCluster>", answer, re.DOTALL):
            if _element(cluster, "Port") == str(self.port):
                return _element(cluster, "DbClusterResourceId")
        raise Denied(f"no database cluster is advertised at port {self.port}")

    def _ask(self, service: str, version: str, action: str, parameters: dict[str, str]) -> str:
        form = urllib.parse.urlencode({"Action": action, "Version": version, **parameters})
        url = f"{self.endpoint}/"
        signed = AWSRequest(
            "POST",
            url,
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        SigV4Auth(ROOT, service, REGION).add_auth(signed)
        return _body(urllib.request.Request(url, data=form.encode(), headers=dict(signed.headers)))


def _body(request: urllib.request.Request) -> str:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        raise Denied(f"IAM cannot be asked: {error}") from error


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    return found[1] if found else ""
