"""The replacements of which the bugs of the zoo are made: wrong methods for the reference's ``FailoverRequest``.

A replacement is a function of the module, of the method as it should be, and of the arguments of the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dirac_failover.drivers.replaced import replaced
from dirac_failover.module_base import HOOKS

Wrong = Callable[..., Any]
"""A replacement."""


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def before(act: Callable[[Any], object]) -> Wrong:
    """Let ``act`` change the module, and then call the method."""
    return lambda module, usual, *args: (act(module), usual(*args))[1]


def after(act: Callable[[Any], object]) -> Wrong:
    """Call the method, and then let ``act`` change the module."""
    return lambda module, usual, *args: (usual(*args), act(module))[0]


def result(change: Callable[[Any], Any]) -> Wrong:
    """Return what ``change`` makes of the method's result, when there is one."""
    return lambda _, usual: (found := usual()) and change(found)


def during(target: str, attributes: Callable[[Any], dict[str, Any]]) -> Wrong:
    """Call the method while the module, or the collaborator ``target`` of it, has other attributes."""

    def wrong(module: Any, usual: Wrong, *args: Any, **named: Any) -> Any:
        place = getattr(module, target) if target else module
        with replaced(place, **attributes(place)):
            return usual(*args, **named)

    return wrong


def stops(condition: Callable[[Any], bool]) -> Wrong:
    """Execute the module; it raises RuntimeError at the first hook that returns a value which meets the condition."""

    def act(value: Any) -> None:
        if condition(value):
            raise RuntimeError(value.get("Message", "") if is_error(value) else f"a hook returned {value!r}")

    return lambda module, usual: obeying(module, usual, act)


def given(**changes: Callable[[Any], Any]) -> Wrong:
    """Call the method with what ``changes`` make of its arguments, by their names."""

    def wrong(_: Any, usual: Wrong, *args: Any, **named: Any) -> Any:
        call = inspect.signature(usual).bind(*args, **named)
        call.apply_defaults()
        call.arguments |= {name: change(call.arguments[name]) for name, change in changes.items()}
        return usual(*call.args, **call.kwargs)

    return wrong


def put(target: Any, **attributes: Any) -> Any:
    """Give an object other attributes."""
    for name, value in attributes.items():
        setattr(target, name, value)


def obeying(module: Any, usual: Wrong, act: Callable[[Any], None]) -> Any:
    """Execute the module, and ``act`` on what each hook returns."""
    for name in HOOKS:
        put(module, **{name: functools.partial(lambda hook: act(hook()), getattr(module, name))})
    return usual()


def is_error(value: Any) -> bool:
    """Return whether a value is an S_ERROR."""
    return isinstance(value, dict) and not value.get("OK", True)


def healthy(module: Any) -> bool:
    """Return whether nothing has failed before the module."""
    return bool(module._checkWFAndStepStatus(noPrint=True))  # noqa: SLF001 - the helper is DIRAC's


def raising(error: BaseException) -> Any:
    """Raise an exception, in an expression."""
    raise error


def request_file(module: Any) -> Path:
    """Return the path of the request's file."""
    return Path("%d_%d_request.json" % (module.production_id, module.prod_job_id))


def rewrite(module: Any, change: Callable[[str], str]) -> Any:
    """Change the text of the request's file, empty when there is none."""
    file = request_file(module)
    file.write_text(change(file.read_text() if file.exists() else ""))
