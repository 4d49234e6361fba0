"""The class that a scenario runs: the implementation's module, or a small one that is derived from it or from its base.

A scenario that replaces hooks, or that is about ``ModuleBase`` itself, needs a module that no package has. It is made
here, as a workflow's author would write it: a class with the hooks of the scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.observation import Json
    from dirac_failover.spec.scenario import Scenario

RESOLVE = "_resolveInputVariables"
"""The hook that a module extends instead of replacing it: it finds the collaborators."""


def subject_of(
    scenario: Scenario,
    module: type[Any],
    hook: Callable[[str, Callable[[Any], Any]], Any],
    answer: Callable[[str], Any],
) -> type[Any]:
    """Return the class that ``scenario`` runs on an implementation whose FailoverRequest is ``module``.

    ``hook(name, function)`` makes a method of a replaced hook; ``answer(text)`` returns or raises what a text says.
    """
    if scenario.subject == "module" and not scenario.hooks:
        return module
    base = module
    if scenario.subject == "base":  # the last class among its bases that has it
        base = next(kind for kind in reversed(module.__mro__) if "execute" in vars(kind))
    methods = {name: hook(name, _replaced(base, name, text, answer)) for name, text in scenario.hooks.items()}
    # The class's qualified name is part of texts: it must not contain this function's name
    return type(module.__name__, (base,), {"__module__": "derived", "__qualname__": "Module", **methods})


def _replaced(base: type[Any], name: str, text: str, answer: Callable[[str], Any]) -> Callable[[Any], Any]:
    def hook(module: Any) -> Any:
        if name == RESOLVE:
            getattr(base, name)(module)
        return answer(text)

    return hook


def call_methods(module: Any, scenario: Scenario, commons: dict[str, Any]) -> tuple[str, list[Json]]:
    """Call the scenario's methods in turn, on a module that has found its collaborators and named its request.

    Return ``returned``, or ``raised`` when any of them raised, and what each returned or raised.
    """
    for attribute, key in (("jobReport", "JobReport"), ("fileReport", "FileReport"), ("request", "Request")):
        setattr(module, attribute, commons.get(key))
    request, number = commons.get("Request"), scenario.attributes.get("jobID")
    if request is not None and number:
        request.RequestName, request.JobID = f"job_{number}_request.xml", number
        request.SourceComponent = f"Job_{number}"
    ended, results = "returned", []
    for method, arguments, *named in scenario.calls:
        try:
            results.append(getattr(module, method)(*arguments, **dict(*named)))
        except BaseException as error:  # noqa: BLE001 - any exception is part of the observation
            ended = "raised"
            results.append(error)
    return ended, results
