"""What is known of the formats: patterns around and inside them, and texts to try.

`within` is found in every text of the format, `surely` only in such texts: what the validators in
use agree on (jsonschema's FormatChecker, jsonschema-rs). Between the two only a trial tells.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    within: str = ""
    surely: str | None = None
    samples: tuple[str, ...] = ()


_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_SURE_DAY = r"[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
_SURE_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5][0-9])"
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_BYTE = r"(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])"

FORMATS: dict[str, Format] = {
    "date": Format(f"^{_DAY}$", f"^{_SURE_DAY}$", ("2026-01-05", "2024-02-29")),
    "time": Format(f"^{_TIME}$", f"^{_SURE_TIME}$", ("09:30:00Z", "09:30:00.5+01:00")),
    "date-time": Format(
        f"^{_DAY}[Tt ]{_TIME}$",
        f"^{_SURE_DAY}T{_SURE_TIME}$",
        (
            "2026-01-05T09:30:00Z",
            "2026-01-05T09:30:00.000Z",
            "2026-01-05T09:30:00+01:00",
            "2026-01-05T09:30:00.123456+01:00",
        ),
    ),
    "uuid": Format(_UUID, _UUID, ("5f0c6d1e-2b7a-4c43-9d58-0a1b2c3d4e5f",)),
    "email": Format(
        "@", r"^[a-z0-9]+@[a-z0-9]+(\.[a-z]{2,8})+$", ("ana@example.com", "a@b.co", "A.b+c@d-e.org")
    ),
    "uri": Format(
        r"^[A-Za-z][A-Za-z0-9+.-]*:",
        r"^https?://[a-z]+(\.[a-z]+)+(/[a-z0-9]+)*$",
        ("https://example.com", "urn:x:y", "https://example.com/a?b=c#d", "mailto:ana@example.com"),
    ),
    "ipv4": Format(
        rf"^{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}$",
        rf"^{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}$",
        ("192.0.2.1", "255.255.255.255", "0.0.0.0"),
    ),
    "ipv6": Format(r"^[0-9A-Fa-f:.]+$", None, ("2001:db8::1", "::1", "::")),
    "hostname": Format("", r"^[a-z]{1,20}(\.[a-z]{2,20}){0,3}$", ("example.com", "a", "x-1.org")),
    "duration": Format("^P", r"^P[1-9][0-9]?D$", ("P1D", "PT1H30M", "P1Y2M3DT4H5M6S")),
    "json-pointer": Format(r"^(/|$)", r"^(/[a-z0-9]+)*$", ("", "/a/b", "/a~1b")),
    "regex": Format("", r"^[a-z0-9]*$", ("^a+$", "[a-z]", "")),
}
UNKNOWN = Format()
# The formats that JSON Schema defines; all others are remarks. What the reference validator has no
# check for here stays undecided.
ASSERTED = (
    *("date", "time", "date-time", "duration", "email", "idn-email", "hostname", "idn-hostname"),
    *("ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid"),
    *("json-pointer", "relative-json-pointer", "regex"),
)
