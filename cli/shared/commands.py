"""Declaration of commands that work on the shards of an environment, all with the same options."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from cli.shared.options import DirectoryFile, Environment

if TYPE_CHECKING:
    from cli.shared.operator_context import OperatorContext
    from cli.shared.target import Target

Resource = TypeVar("Resource")
Command = Callable[..., Awaitable[None]]

TARGET_OPTIONS = (
    inspect.Parameter("env", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Environment),
    inspect.Parameter("directory", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=DirectoryFile),
)


def target_command(
    app: typer.Typer,
    open_resource: Callable[[Target], AbstractAsyncContextManager[Any]],
    name: str | None = None,
) -> Callable[[Command], Command]:
    """Register a coroutine function as a command that also takes `--env` and `--directory`.

    Its first argument is the resource that `open_resource` yields for the shards that these options select; the others
    are its own arguments and options.
    """

    def register(function: Command) -> Command:
        _, *others = inspect.signature(function).parameters.values()
        own = [other.replace(annotation=_evaluate(other.annotation, function)) for other in others]
        parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *TARGET_OPTIONS]

        def run(*, env: str | None, directory: Path | None, **options: Any) -> None:
            import asyncio

            from cli.shared.target import find_target

            async def work() -> None:
                async with open_resource(find_target(env, directory)) as resource:
                    await function(resource, **options)

            asyncio.run(work())

        run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        app.command(name)(run)
        return function

    return register


def shards_command(app: typer.Typer, name: str | None = None) -> Callable[[Command], Command]:
    """Register a command whose first argument is an OperatorContext."""
    return target_command(app, _open_operator_context, name)


def _open_operator_context(target: Target) -> AbstractAsyncContextManager[OperatorContext]:
    from cli.shared.operator_context import open_operator_context

    return open_operator_context(target)


def _evaluate(annotation: Any, function: Command) -> Any:
    """Return the type that an annotation names; a command's module imports the types of its options at run time."""
    return eval(annotation, function.__globals__) if isinstance(annotation, str) else annotation  # noqa: S307
