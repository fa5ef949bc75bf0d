"""The contract of one resource type, derived from the SDK's source when it is first asked for.

Deriving costs about as much as reading a stored contract would: the types of a whole environment take some 40
milliseconds in each provider process. So nothing is stored, and nothing stored can be stale or damaged. Custom
resources of Kubernetes, which no SDK class describes, get a contract of their own."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.contract import sources
from localcloud.contract.shapes import BUILTINS, Underivable, read_resource, shape_named
from localcloud.contract.sources import Place, SourceFile, find_class, resource_file, snake_case, source_file
from localcloud.contract.type_expr import Anything, Enum, ListOf, MapOf, Object, Property, Scalar, Shape, TypeExpr

KUBERNETES_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""An object is found by these, and the API cannot rename or move one."""

CUSTOM_OUTPUTS: Mapping[str, TypeExpr] = {
    "apiVersion": Scalar("str"),
    "kind": Scalar("str"),
    "metadata": Anything(),
    "spec": Anything(),
    "status": Anything(),
}


def is_custom(token: str) -> bool:
    """Whether a token names a custom resource: its group has a domain, and the SDK knows nothing of its version."""
    package, api_version, kind = token.split(":", 2)
    group, _, version = api_version.partition("/")
    if package != "kubernetes" or not (kind and version and "." in group):
        return False
    return not any(known.startswith(f"kubernetes:{api_version}:") for known in sources.registered("kubernetes"))


def custom_root(token: str) -> Shape:
    """The inputs of a custom resource: its type, the usual metadata, a spec, and whatever else it holds."""
    _, api_version, kind = token.split(":", 2)
    return Shape(
        {
            "apiVersion": Property(Enum((api_version,)), required=True),
            "kind": Property(Enum(tuple(sorted({kind, kind.removesuffix("Patch")}))), required=True),
            "metadata": Property(Object("pulumi_kubernetes.meta.v1._inputs:ObjectMetaArgs")),
            "spec": Property(MapOf(Anything())),
        },
        constants={},
        open=True,
    )


class UnknownType(Exception):
    """A type token that the installed SDK does not register; names the token and the SDK's version."""


@dataclass(frozen=True)
class Contract:
    """What goes into resources of one type and what comes out of them."""

    root: Shape
    """The shape of the inputs."""
    outputs: Mapping[str, TypeExpr]
    """The outputs under their wire names; nested ones roughly, as any value."""
    secret_outputs: tuple[str, ...] = ()
    """The outputs that are secret whatever the inputs were."""
    path_parameters: tuple[str, ...] = ()
    """The inputs that make up the resource's path on Azure."""

    @staticmethod
    def shape(name: str) -> Shape:
        """A shape that a expr of this contract names."""
        return shape_named(name)


@functools.cache
def contract_of(token: str) -> Contract:
    """The contract of a registered type or a custom resource; raises UnknownType for any other token."""
    package = token.removeprefix("pulumi:providers:").partition(":")[0]
    place = sources.registered(package).get(token)
    if place is not None:
        return _derive(place)
    if is_custom(token):
        return Contract(custom_root(token), CUSTOM_OUTPUTS)
    raise UnknownType(f"{token} is no resource type of {package} {sources.version(package)}")


def _derive(place: Place) -> Contract:
    """The contract of the resource class at `place`."""
    source = resource_file(place.module, place.name)
    if source is None:
        raise Underivable(f"no file of {place.module} defines {place.name}")
    resource = read_resource(source.text_of(place.name))
    root = shape_named(_arguments_class(source, place.name, resource.arguments))
    return Contract(
        root,
        {name: _output(annotation) for name, annotation in resource.outputs.items()},
        resource.secret_outputs,
        tuple(_path_parameters(source, place.name, root, resource.outputs)),
    )


def _arguments_class(source: SourceFile, resource: str, arguments: str | None) -> str:
    """The shape name of the resource's arguments."""
    if arguments is None:
        raise Underivable(f"{resource} of {source.package} names no arguments class")
    found = source if arguments in source else find_class(source.package, arguments)
    if found is None:
        raise Underivable(f"no class {arguments} for {resource} of {source.package}")
    return found.name_of(arguments)


def _output(annotation: str) -> TypeExpr:
    """The rough expr of an output: nested objects are not followed."""
    text = re.sub(r"pulumi\.Output|Optional|_builtins\.|[\[\]]", " ", annotation).strip()
    if "Sequence" in text:
        return ListOf(Anything())
    return MapOf(Anything()) if "Mapping" in text else BUILTINS.get(text, Anything())


def _path_parameters(source: SourceFile, resource: str, root: Shape, outputs: Mapping[str, str]) -> list[str]:
    """The inputs that make up an Azure resource's path: its own name and those of what it lies in.

    Its lookup function asks for exactly these; where there is none, they are the names that the resource does not
    give back among its outputs.
    """
    if not source.package.startswith("pulumi_azure_native"):
        return []
    lookup = source_file(source.path.parent / f"get_{snake_case(resource)}.py", source.package)
    if lookup is not None:
        asked = _lookup_arguments(lookup, snake_case(resource))
        return [name for name in root.properties if snake_case(name) in asked]
    names = [name for name, found in root.properties.items() if found.expr == Scalar("str") and name.endswith("Name")]
    return [name for name in names if name not in outputs]


def _lookup_arguments(lookup: SourceFile, name: str) -> set[str]:
    """The parameters of the function `get_<name>`."""
    text = lookup.path.read_text(encoding="utf-8")
    start = text.find(f"\ndef get_{name}(")
    end = text.find(") ->", start)
    return set(re.findall(r"(\w+): ", text[start:end]))
