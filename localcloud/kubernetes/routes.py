"""HTTPRoutes as Envoy routes: pure translation, most specific match first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes.cluster import Key, Manifest

Json = dict[str, Any]

DURATION_PARTS = re.compile(r"(\d+)(h|ms|m|s)")
MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
WELL_KNOWN_PORTS = {"http": 80, "https": 443}
REDIRECT_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
RETRIED = "connect-failure,refused-stream,reset-before-request"
"""What has not reached a pod may be tried on another one, whatever the method."""
RETRIES = 3
UNAVAILABLE, BROKEN = 503, 500


@dataclass(frozen=True, order=True)
class Backend:
    """A port of a service."""

    namespace: str
    service: str
    port: int

    @property
    def cluster(self) -> str:
        """What Envoy calls it."""
        return f"{self.namespace}/{self.service}:{self.port}"


def backends(route: Manifest) -> set[Backend]:
    """Every backend that a route names."""
    return {
        _backend(reference, route)
        for rule in route["spec"].get("rules") or ()
        for reference in rule.get("backendRefs") or ()
    }


def hostnames(route: Manifest, listener: str | None) -> list[str]:
    """The host names under which a route is reached through a listener of this host name; `*` stands for any."""
    asked = route["spec"].get("hostnames") or ()
    if not asked:
        return [listener or "*"]
    met = (_met(name, listener) for name in asked)
    return sorted({name for name in met if name})


def virtual_hosts(attached: Iterable[tuple[Manifest, Sequence[str]]], local_ports: Mapping[int, int]) -> list[Json]:
    """One virtual host for each host name, with the routes of all HTTPRoutes that are reached under it."""
    by_host: dict[str, list[tuple[_Rank, Json]]] = {}
    for route, hosts in attached:
        ranked = _routes(route, local_ports)
        for host in hosts:
            by_host.setdefault(host, []).extend(ranked)
    return [
        {"name": host, "domains": [host], "routes": [route for _, route in sorted(ranked, key=lambda each: each[0])]}
        for host, ranked in sorted(by_host.items())
    ]


def duration(text: str) -> str:
    """A Gateway API duration (`1m30s`) as protobuf writes it (`90s`)."""
    if not re.fullmatch(r"(\d+(?:h|ms|m|s))+", text):
        raise EmulatorError(f"{text!r} is not a duration: expected e.g. 500ms, 10s or 1m30s")
    total = sum(int(number) * MILLISECONDS[unit] for number, unit in DURATION_PARTS.findall(text))
    return f"{total / 1000:g}s"


_Rank = tuple[Any, ...]
_PATH_RANKS = {"Exact": 0, "RegularExpression": 1, "PathPrefix": 2}


def _met(name: str, listener: str | None) -> str | None:
    """The host name that is in both, where either may begin with a wildcard."""
    if listener is None or name == listener or _covers(listener, name):
        return name
    return listener if _covers(name, listener) else None


def _covers(wildcard: str, name: str) -> bool:
    return wildcard.startswith("*.") and name.endswith(wildcard[1:])


def _routes(route: Manifest, local_ports: Mapping[int, int]) -> list[tuple[_Rank, Json]]:
    key = Key.of(route)
    born = route["metadata"].get("creationTimestamp") or ""
    ranked = []
    for number, rule in enumerate(route["spec"].get("rules") or ()):
        matches: Sequence[Properties] = rule.get("matches") or ({},)
        for match in matches:
            path = match.get("path") or {"type": "PathPrefix", "value": "/"}
            rank = (
                _PATH_RANKS[path.get("type") or "PathPrefix"],
                -len(path.get("value") or "/"),
                not match.get("method"),
                -len(match.get("headers") or ()),
                -len(match.get("queryParams") or ()),
                (born, key.namespace, key.name, number),
            )
            made = {"match": _match(match, path), **_action(rule, route, path, local_ports)}
            ranked.append((rank, made))
    return ranked


# -- matches ---------------------------------------------------------------------------------------------------------


def _match(match: Properties, path: Properties) -> Json:
    headers = [_matcher(header) for header in match.get("headers") or ()]
    if match.get("method"):
        headers.append({"name": ":method", "string_match": {"exact": match["method"]}})
    parameters = [_matcher(parameter) for parameter in match.get("queryParams") or ()]
    made = _path_match(path)
    if headers:
        made["headers"] = headers
    if parameters:
        made["query_parameters"] = parameters
    return made


def _path_match(path: Properties) -> Json:
    value = path.get("value") or "/"
    kind = path.get("type") or "PathPrefix"
    if kind == "Exact":
        return {"path": value}
    if kind == "RegularExpression":
        return {"safe_regex": {"regex": value}}
    bare = value.rstrip("/")
    return {"path_separated_prefix": bare} if bare else {"prefix": "/"}


def _matcher(wanted: Properties) -> Json:
    if wanted.get("type") == "RegularExpression":
        return {"name": wanted["name"], "string_match": {"safe_regex": {"regex": wanted["value"]}}}
    return {"name": wanted["name"], "string_match": {"exact": wanted["value"]}}


# -- what is done ----------------------------------------------------------------------------------------------------


def _action(rule: Properties, route: Manifest, path: Properties, local_ports: Mapping[int, int]) -> Json:
    made: Json = {}
    rewrite: Json = {}
    for each in rule.get("filters") or ():
        kind = each["type"]
        if kind == "RequestRedirect":
            return made | {"redirect": _redirect(each["requestRedirect"], path, local_ports)}
        if kind == "URLRewrite":
            rewrite = _rewrite(each["urlRewrite"], path)
        else:
            made |= _headers(kind, each)
    return made | _forward(rule, route, rewrite)


def _forward(rule: Properties, route: Manifest, rewrite: Json) -> Json:
    references = rule.get("backendRefs") or ()
    weighted = [
        {"name": _backend(reference, route).cluster, "weight": _weight(reference)}
        for reference in references
        if _weight(reference)
    ]
    if not weighted:
        return {"direct_response": {"status": BROKEN}}
    forward: Json = {"weighted_clusters": {"clusters": weighted}, "retry_policy": _retries(rule), **rewrite}
    timeouts = rule.get("timeouts") or {}
    if timeouts.get("request"):
        forward["timeout"] = duration(timeouts["request"])
    return {"route": forward}


def _weight(reference: Properties) -> int:
    weight = reference.get("weight")
    return 1 if weight is None else int(weight)


def _backend(reference: Properties, route: Manifest) -> Backend:
    if (reference.get("kind") or "Service") != "Service":
        raise EmulatorError(f"backendRefs: no emulator for kind {reference['kind']!r}, only for Service")
    if reference.get("port") is None:
        raise EmulatorError(f"backendRefs: {reference['name']!r} needs a port")
    return Backend(reference.get("namespace") or Key.of(route).namespace or "", reference["name"], reference["port"])


def _retries(rule: Properties) -> Json:
    asked = rule.get("retry") or {}
    policy: Json = {
        "retry_on": RETRIED,
        "num_retries": asked.get("attempts") or RETRIES,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                },
            }
        ],
        "host_selection_retry_max_attempts": RETRIES,
    }
    if asked.get("codes"):
        policy["retry_on"] += ",retriable-status-codes"
        policy["retriable_status_codes"] = list(asked["codes"])
    if asked.get("backoff"):
        policy["retry_back_off"] = {"base_interval": duration(asked["backoff"])}
    per_try = (rule.get("timeouts") or {}).get("backendRequest")
    if per_try:
        policy["per_try_timeout"] = duration(per_try)
    return policy


def _headers(kind: str, each: Properties) -> Json:
    """A header filter as Envoy's route options."""
    sides = {
        "RequestHeaderModifier": ("requestHeaderModifier", "request"),
        "ResponseHeaderModifier": ("responseHeaderModifier", "response"),
    }
    if kind not in sides:
        raise EmulatorError(
            f"filters: no emulator for {kind!r}: one of {', '.join(sides)}, RequestRedirect and URLRewrite"
        )
    name, side = sides[kind]
    asked = each[name]
    actions = (("set", "OVERWRITE_IF_EXISTS_OR_ADD"), ("add", "APPEND_IF_EXISTS_OR_ADD"))
    added = [
        {"header": {"key": header["name"], "value": header["value"]}, "append_action": action}
        for verb, action in actions
        for header in asked.get(verb) or ()
    ]
    return {f"{side}_headers_to_add": added, f"{side}_headers_to_remove": list(asked.get("remove") or ())}


def _redirect(asked: Properties, path: Properties, local_ports: Mapping[int, int]) -> Json:
    code = int(asked.get("statusCode") or 302)
    if code not in REDIRECT_CODES:
        raise EmulatorError(f"requestRedirect: statusCode {code} is not one of {', '.join(map(str, REDIRECT_CODES))}")
    made: Json = {"response_code": REDIRECT_CODES[code]}
    scheme = (asked.get("scheme") or "").lower()
    if scheme:
        made["scheme_redirect"] = scheme
    if asked.get("hostname"):
        made["host_redirect"] = asked["hostname"]
    port = asked.get("port") or WELL_KNOWN_PORTS.get(scheme)
    if port:
        # Where the gateway listens here is not where it would listen in a cluster.
        made["port_redirect"] = local_ports.get(int(port), int(port))
    return made | _new_path(asked.get("path"), path, whole="path_redirect")


def _rewrite(asked: Properties, path: Properties) -> Json:
    made: Json = _new_path(asked.get("path"), path, whole=None)
    if asked.get("hostname"):
        made["host_rewrite_literal"] = asked["hostname"]
    return made


def _new_path(asked: Properties | None, path: Properties, *, whole: str | None) -> Json:
    """The options that replace a path, or the prefix that was matched."""
    if not asked:
        return {}
    if asked.get("type") == "ReplaceFullPath":
        if whole:
            return {whole: asked["replaceFullPath"]}
        return _by_pattern("^/[^?]*", asked["replaceFullPath"])
    matched = (path.get("value") or "/").rstrip("/")
    replacement = (asked.get("replacePrefixMatch") or "").rstrip("/")
    if matched and replacement:
        return {"prefix_rewrite": replacement}
    # `/` on either side would leave a slash too many or too few.
    return _by_pattern(f"^{re.escape(matched)}/*", f"{replacement}/")


def _by_pattern(pattern: str, substitution: str) -> Json:
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": substitution}}
