"""Controls and their checks: metadata beside a function, by decorator.

    control = Theme("encryption-in-transit", "Encryption in transit").control

    database_tls = control("TLS-004", title="Database connections require TLS", severity=HIGH, ...)

    @database_tls
    @applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=["settings.ipConfiguration.sslMode"])
    @fixed_by(sets("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY"))
    def cloud_sql_requires_tls(instance: Resource) -> Verdict: ...

One function is written per control and cloud, or several where types of one cloud have nothing in common.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from policies.options import Options
from policies.remedies import Fix, Remedy
from policies.resource import Cloud, Resource, cloud_of
from policies.stack import Stack
from policies.verdicts import Severity, Verdict

Judge: TypeAlias = Callable[..., Verdict]
"""Takes the resource; in a stack check then the stack; last the control's options, where it has any use for them."""
EVERY = "*"


class BadDeclaration(Exception):
    """A control or check is declared in a way that cannot work; names it."""


@dataclass(frozen=True)
class Theme:
    """What a group of controls is about."""

    id: str
    title: str

    def control(
        self,
        id_: str,
        *,
        title: str,
        severity: Severity,
        maps: Mapping[str, Sequence[str]],
        remedy: str,
        link: str = "",
        options: type[Options] = Options,
    ) -> Control:
        """Declare a control of this theme, which is the decorator of its checks.

        `maps` names the requirements that it gives evidence for, by framework; `remedy` says what to do, in one
        sentence; `link` is where the provider documents that.
        """
        frozen = {framework: tuple(ids) for framework, ids in maps.items()}
        return Control(id_, self, title, severity, frozen, remedy, link, options)


@dataclass(frozen=True, eq=False)
class Control:
    """One thing that must hold, in every cloud that has it."""

    id: str
    theme: Theme
    title: str
    severity: Severity
    maps: Mapping[str, tuple[str, ...]]
    remedy: str
    link: str
    options: type[Options]

    def __call__(self, declaration: Declaration) -> Check:
        """Make a declaration a check of this control."""
        return Check.of(self, declaration)


@dataclass
class Declaration:
    """A function on its way to be a check: what has been said of it so far."""

    judge: Judge
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    over_stack: bool = False
    remedies: tuple[Remedy, ...] = ()

    @classmethod
    def of(cls, judge: Judge | Declaration) -> Declaration:
        return judge if isinstance(judge, Declaration) else cls(judge)


Decorator: TypeAlias = Callable[[Judge | Declaration], Declaration]


def applies_to(*types: str, reads: Sequence[str]) -> Decorator:
    """Name the resource types (`aws:*` means all of a package) and the property paths that the function reads.

    May be given several times, for types whose paths differ.
    """

    return applies_to_each(dict.fromkeys(types, reads))


def applies_to_each(reads: Mapping[str, Sequence[str]]) -> Decorator:
    """Name resource types whose paths differ, with what the function reads of each."""

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = Declaration.of(judge)
        for token, paths in reads.items():
            declaration.reads[token] = tuple(paths)
        return declaration

    return declare


def in_stack(*types: str, reads: Sequence[str]) -> Decorator:
    """Name the types as `applies_to` does, for a function that also takes the whole stack, to join resources.

    It judges each resource of `types` once all of the stack are there. `pulumi:pulumi:Stack` means the stack itself.
    """

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = applies_to(*types, reads=reads)(judge)
        declaration.over_stack = True
        return declaration

    return declare


def fixed_by(fix: Fix, *types: str, replaces: bool = False) -> Decorator:
    """Add the fix for what the function finds, for all its types or for some of them."""

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = Declaration.of(judge)
        declaration.remedies = (Remedy(fix, types, replaces), *declaration.remedies)
        return declaration

    return declare


@dataclass(frozen=True, eq=False)
class Check:
    """One function, and what it is for."""

    control: Control
    cloud: Cloud
    judge: Judge
    reads: Mapping[str, tuple[str, ...]]
    """The property paths that it reads, by resource type."""
    over_stack: bool
    takes_options: bool
    remedies: tuple[Remedy, ...]

    @classmethod
    def of(cls, control: Control, declaration: Declaration) -> Check:
        """Raises BadDeclaration."""
        where = f"{control.id}: {declaration.judge.__name__}"
        clouds = {cloud_of(token) for token in declaration.reads}
        if len(clouds) != 1:
            raise BadDeclaration(f"{where} must apply to resource types of one cloud, not {sorted(clouds) or 'none'}")
        if declaration.over_stack and declaration.remedies:
            raise BadDeclaration(f"{where} sees the whole stack, and such checks cannot fix anything")
        for token in {token for remedy in declaration.remedies for token in remedy.types} - declaration.reads.keys():
            raise BadDeclaration(f"{where} has a fix for {token}, to which it does not apply")
        spare = len(inspect.signature(declaration.judge).parameters) - (2 if declaration.over_stack else 1)
        if spare not in (0, 1):
            raise BadDeclaration(f"{where} takes {'resource and stack' if declaration.over_stack else 'the resource'}"
                                 ", then options if it wants them, and nothing else")  # fmt: skip
        return cls(
            control=control,
            cloud=clouds.pop(),
            judge=declaration.judge,
            reads=dict(declaration.reads),
            over_stack=declaration.over_stack,
            takes_options=spare == 1,
            remedies=declaration.remedies,
        )

    @property
    def id(self) -> str:
        """Return control and cloud, the unit in which checks are counted: `TLS-004/aws`."""
        return f"{self.control.id}/{self.cloud}"

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(self.reads)

    def is_for(self, token: str) -> bool:
        """Tell whether the check means resources of this type."""
        return token in self.reads or f"{token.partition(':')[0]}:{EVERY}" in self.reads

    def remedy_for(self, token: str, *, replacing: bool = False) -> Remedy | None:
        """Return the fix for a resource type; one that could replace the resource only with `replacing`."""
        fitting = (remedy for remedy in self.remedies if remedy.is_for(token))
        return next((remedy for remedy in fitting if replacing or not remedy.replaces), None)

    def __call__(self, resource: Resource, stack: Stack, options: Options) -> Verdict:
        """Judge a resource; raises Undeterminable where that is not possible."""
        arguments = (resource, stack) if self.over_stack else (resource,)
        return self.judge(*arguments, options) if self.takes_options else self.judge(*arguments)
