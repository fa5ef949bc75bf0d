"""HTTPRoutes as Envoy routes."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.emulator import EmulatorError
from localcloud.kubernetes.routes import Backend, backends, duration, hostnames, virtual_hosts

Json = dict[str, Any]
TO_LEDGER = {"name": "ledger", "port": 80}


def route(*rules: Json, name: str = "r", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "ledger", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "HTTPRoute", "metadata": metadata, "spec": {"rules": list(rules), **spec}}


def translated(*rules: Json, ports: dict[int, int] | None = None) -> list[Json]:
    (host,) = virtual_hosts([(route(*rules), ["*"])], ports or {})
    routes: list[Json] = host["routes"]
    return routes


def rule(path: str | None = None, kind: str = "PathPrefix", **more: Any) -> Json:
    matches = {"matches": [{"path": {"type": kind, "value": path}}]} if path else {}
    return {"backendRefs": [TO_LEDGER], **matches, **more}


def test_weights_are_those_of_the_backends() -> None:
    (made,) = translated(
        {"backendRefs": [TO_LEDGER | {"weight": 90}, {"name": "canary", "port": 80, "weight": 10}, TO_LEDGER]}
    )
    assert made["route"]["weighted_clusters"]["clusters"] == [
        {"name": "ledger/ledger:80", "weight": 90},
        {"name": "ledger/canary:80", "weight": 10},
        {"name": "ledger/ledger:80", "weight": 1},
    ]


def test_without_any_weight_there_is_an_error() -> None:
    (made,) = translated({"backendRefs": [TO_LEDGER | {"weight": 0}]})
    assert made["direct_response"] == {"status": 500}


def test_the_most_specific_match_comes_first() -> None:
    prefix, exact = rule("/a"), rule("/a", "Exact")
    with_header = {
        **rule("/a"),
        "matches": [{"path": prefix["matches"][0]["path"], "headers": [{"name": "x", "value": "1"}]}],
    }
    with_method = {**rule("/a"), "matches": [{"path": prefix["matches"][0]["path"], "method": "POST"}]}
    made = translated(rule(), prefix, with_header, rule("/a/b"), exact, with_method)
    assert [each["match"] for each in made] == [
        {"path": "/a"},
        {"path_separated_prefix": "/a/b"},
        {"path_separated_prefix": "/a", "headers": [{"name": ":method", "string_match": {"exact": "POST"}}]},
        {"path_separated_prefix": "/a", "headers": [{"name": "x", "string_match": {"exact": "1"}}]},
        {"path_separated_prefix": "/a"},
        {"prefix": "/"},
    ]


def test_patterns_and_parameters_match() -> None:
    match = {
        "path": {"type": "RegularExpression", "value": "/v[0-9]+"},
        "queryParams": [{"name": "q", "value": "^a", "type": "RegularExpression"}],
    }
    (made,) = translated({"matches": [match], "backendRefs": [TO_LEDGER]})
    assert made["match"] == {
        "safe_regex": {"regex": "/v[0-9]+"},
        "query_parameters": [{"name": "q", "string_match": {"safe_regex": {"regex": "^a"}}}],
    }


def test_a_request_that_reached_no_pod_is_tried_again() -> None:
    (made,) = translated(rule())
    policy = made["route"]["retry_policy"]
    assert "connect-failure" in policy["retry_on"]
    assert policy["retry_host_predicate"]


def test_timeouts_and_retries_are_obeyed() -> None:
    (made,) = translated(
        rule(
            timeouts={"request": "10s", "backendRequest": "500ms"},
            retry={"attempts": 5, "codes": [503], "backoff": "100ms"},
        )
    )
    assert made["route"]["timeout"] == "10s"
    policy = made["route"]["retry_policy"]
    assert (policy["per_try_timeout"], policy["num_retries"]) == ("0.5s", 5)
    assert policy["retry_on"].endswith(",retriable-status-codes")
    assert (policy["retriable_status_codes"], policy["retry_back_off"]) == ([503], {"base_interval": "0.1s"})


def test_a_redirect_names_the_port_of_this_machine() -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    (made,) = translated({"filters": [redirect]}, ports={443: 8443})
    assert made["redirect"] == {
        "response_code": "MOVED_PERMANENTLY",
        "scheme_redirect": "https",
        "port_redirect": 8443,
    }


def test_headers_are_modified() -> None:
    modifier = {"set": [{"name": "a", "value": "1"}], "add": [{"name": "b", "value": "2"}], "remove": ["c"]}
    (made,) = translated(rule(filters=[{"type": "RequestHeaderModifier", "requestHeaderModifier": modifier}]))
    assert [(each["header"]["key"], each["append_action"]) for each in made["request_headers_to_add"]] == [
        ("a", "OVERWRITE_IF_EXISTS_OR_ADD"),
        ("b", "APPEND_IF_EXISTS_OR_ADD"),
    ]
    assert made["request_headers_to_remove"] == ["c"]
    assert made["route"]["weighted_clusters"]


@pytest.mark.parametrize(
    ("path", "rewrite", "options"),
    [
        ("/api", {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1"}, {"prefix_rewrite": "/v1"}),
        (
            "/api",
            {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"},
            {"regex_rewrite": {"pattern": {"regex": "^/api/*"}, "substitution": "/"}},
        ),
        (
            "/api",
            {"type": "ReplaceFullPath", "replaceFullPath": "/x"},
            {"regex_rewrite": {"pattern": {"regex": "^/[^?]*"}, "substitution": "/x"}},
        ),
    ],
)
def test_paths_are_rewritten(path: str, rewrite: Json, options: Json) -> None:
    (made,) = translated(rule(path, filters=[{"type": "URLRewrite", "urlRewrite": {"path": rewrite}}]))
    assert made["route"].items() >= options.items()


@pytest.mark.parametrize(
    ("asked", "listener", "met"),
    [
        ([], None, ["*"]),
        ([], "aws.localhost", ["aws.localhost"]),
        (["aws.localhost", "gcp.localhost"], "aws.localhost", ["aws.localhost"]),
        (["a.example.com", "example.com"], "*.example.com", ["a.example.com"]),
        (["*.example.com"], "a.example.com", ["a.example.com"]),
        (["a.example.com"], None, ["a.example.com"]),
    ],
)
def test_a_route_is_reached_under_names_of_both(asked: list[str], listener: str | None, met: list[str]) -> None:
    assert hostnames(route(hostnames=asked), listener) == met


def test_routes_of_one_host_are_joined() -> None:
    hosts = virtual_hosts(
        [(route(rule(), name="a"), ["x", "y"]), (route(rule("/b"), name="b"), ["x"])],
        {},
    )
    assert [(host["name"], len(host["routes"])) for host in hosts] == [("x", 2), ("y", 1)]
    assert hosts[0]["routes"][0]["match"] == {"path_separated_prefix": "/b"}


def test_backends_are_found() -> None:
    assert backends(route(rule(), {"backendRefs": [{"name": "b", "namespace": "n", "port": 1}]})) == {
        Backend("ledger", "ledger", 80),
        Backend("n", "b", 1),
    }


@pytest.mark.parametrize(("text", "seconds"), [("500ms", "0.5s"), ("1m30s", "90s"), ("1h", "3600s")])
def test_durations(text: str, seconds: str) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (rule(timeouts={"request": "10"}), "'10' is not a duration"),
        ({"backendRefs": [{"name": "x"}]}, "'x' needs a port"),
        ({"backendRefs": [{"name": "x", "kind": "Bucket"}]}, "no emulator for kind 'Bucket'"),
        (rule(filters=[{"type": "RequestMirror"}]), "no emulator for 'RequestMirror'"),
        ({"filters": [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 418}}]}, "418 is not one of"),
    ],
)
def test_what_envoy_cannot_be_told_is_named(broken: Json, complaint: str) -> None:
    with pytest.raises(EmulatorError, match=complaint):
        translated(broken)
