"""The engine's side: an analyzer that answers for every control at once."""

# gRPC names the methods and gives them their parameters.
# ruff: noqa: N802, ARG002

from __future__ import annotations

import datetime
import functools
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from policies.configuration import EXEMPTIONS, BadConfiguration, Configuration, Level, read_configuration
from policies.control import Check
from policies.crossguard.description import INFO_LEVELS, Card, describe_pack, severity_of
from policies.crossguard.messages import plain, resource, struct
from policies.evaluation import Evaluator, Result, conclude
from policies.exemptions import Exemptions, read_baseline, read_exemptions
from policies.gate import Gate, Violation
from policies.registry import PACK_VERSION, Registry
from policies.remediation import remediate
from policies.resource import Resource, normalize_type
from policies.stack import Stack

LEVELS = {number: level for level, number in INFO_LEVELS.items()}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """One pack in one run of the engine."""

    def __init__(self, card: Card, registry: Registry, folder: Path, today: datetime.date) -> None:
        """`folder` is the pack's, which the files that its configuration names are relative to."""
        self._card, self._registry, self._folder = card, registry, folder
        self._lock = threading.Lock()
        self._evaluator = Evaluator(registry, today)
        self._configuration = Configuration()
        self._updating = False
        self._inputs: dict[str, dict[str, Any]] = {}
        self._results: dict[str, list[Result]] = {}
        self._silences: dict[frozenset[str], Any] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=PACK_VERSION)

    def GetAnalyzerInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return describe_pack(self._card, self._registry)

    def ConfigureStack(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Begin a run; without this call (an analysis of a state) nothing is being updated."""
        with self._lock:
            self._updating = not request.dry_run
            self._inputs.clear()
            self._results.clear()
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        levels = {name: LEVELS[one.enforcementLevel] for name, one in request.policyConfig.items()}
        properties = {name: plain(one.properties) for name, one in request.policyConfig.items()}
        try:
            configuration = read_configuration(self._registry, levels, properties)
        except BadConfiguration as fault:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{self._card.name}: {fault}")
        self._configuration = configuration
        self._evaluator = Evaluator(
            self._registry, self._evaluator.today, configuration.options, self._exemptions(configuration)
        )
        return empty_pb2.Empty()

    def Remediate(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Only what the configuration sets to `remediate`."""
        if not any(map(self._remediates, self._registry.for_type(normalize_type(request.type)))):
            return self._nothing_to_fix
        response = analyzer_pb2.RemediateResponse()
        subject = resource(request, inputs=plain(request.properties))
        for applied in remediate(subject, self._evaluator, self._remediates, replacing=self._replacing):
            control = applied.check.control
            remediation = response.remediations.add(
                policyName=control.id,
                policyPackName=self._card.name,
                policyPackVersion=PACK_VERSION,
                description=control.title,
            )
            if applied.fault:
                remediation.diagnostic = f"{control.title}: could not be fixed: {applied.fault}"
            else:
                remediation.properties.CopyFrom(struct(applied.properties))
        fixed = {remediation.policyName for remediation in response.remediations}
        response.not_applicable.extend(note for note in self._not_applicable if note.policy_name not in fixed)
        return response

    def Analyze(self, request: Any, context: grpc.ServicerContext) -> Any:
        """One resource, before it is made; its inputs are kept for the stack checks."""
        inputs = plain(request.properties)
        with self._lock:
            self._inputs[request.urn] = inputs
        if not self._registry.for_type(normalize_type(request.type)):
            return self._nothing_to_say
        results = self._evaluator.of_resource(resource(request, inputs=inputs))
        with self._lock:
            self._results[request.urn] = results
        return self._response(self._gate.violations(results), results)

    def AnalyzeStack(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Judge all resources together, and report on the stack as a whole."""
        stack = Stack(self._whole(message) for message in request.resources)
        results = self._evaluator.of_stack(stack)
        everything = [result for results in self._results.values() for result in results] + results
        summary = self._gate.summary(conclude(self._evaluator, stack, everything))
        return self._response([*self._gate.violations(results), *summary], results)

    @property
    def _gate(self) -> Gate:
        return Gate(self._configuration, self._updating, self._card.framework)

    def _whole(self, one: Any) -> Resource:
        """Return a resource with what it was given, where this run has seen that, and what it gave back."""
        return resource(one, inputs=self._inputs.get(one.urn), outputs=plain(one.properties))

    def _exemptions(self, configuration: Configuration) -> Exemptions:
        file, baseline = configuration.pack.exemptions or self._card.exemptions, configuration.pack.baseline
        written = read_exemptions(self._folder / file) if file else Exemptions()
        return written.join(read_baseline(self._folder / baseline)) if baseline else written

    def _remediates(self, check: Check) -> bool:
        return bool(check.remedies) and self._configuration.level(check.control) is Level.REMEDIATE

    def _replacing(self, check: Check) -> bool:
        return self._configuration.pack.allow_replacement

    def _response(self, violations: Iterable[Violation], results: Sequence[Result]) -> Any:
        """Return the answer; a control that judged nothing here is not applicable, so it does not count as passed."""
        silent = self._silence(frozenset(result.control.id for result in results))
        diagnostics = [self._diagnostic(verdict) for verdict in violations]
        if not diagnostics:
            return silent
        response = analyzer_pb2.AnalyzeResponse(diagnostics=diagnostics)
        response.MergeFrom(silent)
        return response

    def _silence(self, judged: frozenset[str]) -> Any:
        """Return the answer without a violation, cached by set of controls: thousands of resources have few types."""
        if judged not in self._silences:
            rest = [note for note in self._not_applicable if note.policy_name not in judged]
            self._silences[judged] = analyzer_pb2.AnalyzeResponse(not_applicable=rest)
        return self._silences[judged]

    def _diagnostic(self, violation: Violation) -> Any:
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=violation.policy,
            policyPackName=self._card.name,
            policyPackVersion=PACK_VERSION,
            description=violation.description,
            message=violation.message,
            enforcementLevel=INFO_LEVELS[violation.level],
            urn=violation.urn,
            severity=severity_of(violation.severity),
        )

    @functools.cached_property
    def _not_applicable(self) -> list[Any]:
        names = [control.id for control in self._registry.controls] + [EXEMPTIONS]
        return [analyzer_pb2.PolicyNotApplicable(policy_name=name) for name in names]

    @functools.cached_property
    def _nothing_to_fix(self) -> Any:
        return analyzer_pb2.RemediateResponse(not_applicable=self._not_applicable)

    @functools.cached_property
    def _nothing_to_say(self) -> Any:
        return analyzer_pb2.AnalyzeResponse(not_applicable=self._not_applicable)
