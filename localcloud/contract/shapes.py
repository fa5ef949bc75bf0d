"""The arguments classes of an SDK as shapes, each read when it is first looked at."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from localcloud.contract import quantities
from localcloud.contract.annotations import Underivable, term_of
from localcloud.contract.classes import ArgumentsClass, read_arguments
from localcloud.contract.sources import SourceFile, source_named
from localcloud.contract.terms import Property, Shape


@functools.cache
def shape_named(name: str) -> Shape:
    """The shape of an arguments class, e.g. `pulumi_aws.eks._inputs:ClusterVpcConfigArgs`; raises Underivable."""
    source, class_name = source_named(name)
    arguments = read_arguments(source.text_of(class_name))
    return Shape(dict(_properties(source, class_name, arguments)), arguments.constants)


def _properties(source: SourceFile, class_name: str, arguments: ArgumentsClass) -> Iterator[tuple[str, Property]]:
    for name, found in arguments.fields.items():
        try:
            term = term_of(found.annotation, source)
        except Underivable as error:
            raise Underivable(f"{class_name}.{name} of {source.package}: {error}") from error
        if source.package.startswith("pulumi_kubernetes"):
            term = quantities.marked(class_name, name, term)
        yield name, Property(term, found.required)
