"""The executable specification of the module: the algorithm of one execution, in numbered steps.

The docstring of a function that belongs to the algorithm has the steps that its code takes, in words; together they
are ``docs/algorithm.md``, which :mod:`~dirac_failover.spec.algorithm` collects. A step refers to others by their IDs.
No file of the model shares code with the reference. This one knows neither clients nor services: :func:`expected` is
about scenarios in which every collaborator is scripted. Clients are in :mod:`~dirac_failover.spec.model.clients`.

Texts of Python's own exceptions (of a KeyError, for example) are not repeated: the code asks the same question of the
same value. Where implementations differ, it asks a :class:`~dirac_failover.spec.profiles.Profile`; an implementation
with another order of steps has its own functions, such as :mod:`~dirac_failover.spec.model.lhcbdirac`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dirac_failover.spec.model import ilcdirac, lhcbdirac
from dirac_failover.spec.model.end import finish, initialize, report_inputs, report_status
from dirac_failover.spec.model.inputs import identify, resolve, resolve_workflow
from dirac_failover.spec.model.methods import METHODS, call_methods
from dirac_failover.spec.model.run import GracefulTermination, ModelRun
from dirac_failover.spec.profiles import DIRAC_9_1
from dirac_failover.spec.scenario import FAILED_STATUS, HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.profiles import Profile
    from dirac_failover.spec.scenario import Json, Scenario

    Execute = Callable[[ModelRun], Json]


def expected(scenario: Scenario, profile: Profile = DIRAC_9_1) -> Observation:
    """Return the observation that an implementation must make in a scenario with scripted collaborators."""
    run = ModelRun(scenario, profile)
    return run.outcome(*run_step(run))


def run_step(run: ModelRun) -> tuple[str, Json]:
    """Run the modules of a workflow step.

    W.1. For each module that the step has before this one, in order, execute it (E). All modules of the step share
         `workflow_commons` and the collaborators in it.
    W.2. If that module raised, or returned nothing, or returned OK false, set `stepStatus` to a failure for all modules
         after it.
    W.3. Execute this module (E), as often as the step repeats it. The last execution's result is the result.
    """
    scenario = run.scenario
    for earlier in scenario.earlier:
        before = replace(scenario, subject="module", hooks={}, calls=(), executions=1)
        run.begin(replace(before, **earlier))
        ended, result = execution(run)
        if ended == "raised" or not result or not result["OK"]:
            scenario = replace(scenario, attributes={**scenario.attributes, "stepStatus": FAILED_STATUS})
        run.begin(scenario)
    *_, last = (execution(run) for _ in range(scenario.executions))
    return last


def execution(run: ModelRun) -> tuple[str, Json]:
    """Return how one execution ends, and its result; or those of the methods that the scenario calls instead."""
    module, base, methods = VARIANTS[run.profile.variant]
    if run.scenario.calls:
        return call_methods(run, methods)
    try:
        return "returned", (module if run.scenario.subject == "module" else base)(run)
    except BaseException as error:  # noqa: BLE001 - what escapes is part of the outcome
        return "raised", error


def execute(run: ModelRun) -> Json:
    """Execute a module: `ModuleBase.execute`.

    E.1. Identify the task (I). If that raises, the exception leaves `execute`: no hook is called, nor `finalize`.
    E.2. Call the hooks in this order: `_resolveInputVariables`, `_initialize`, `_setCommand`, `_executeCommand`,
         `_execute`, `_finalize`. Ignore the values that they return. The first exception, of any class, interrupts and
         exits included, ends this step: the hooks after it are not called.
    E.3. In `FailoverRequest` the hooks are (R), (N), nothing, nothing, (X) and (F). In `ModuleBase` they are R.1 and
         R.2, four times nothing, and a `_finalize` that raises GracefulTermination(`<class 'derived.Module'> correctly
         finalized`) with the name of the module's class. A derived class that replaces a hook runs its own code in
         place of these steps; in the space, one that replaces `_resolveInputVariables` takes these steps first, and
         then its own.
    E.4. If the exception is a GracefulTermination, report its text (A), and let the result be OK true with the
         exception as Value.
    E.5. If it is a RuntimeError with two or more arguments, let Message be the first and Errno the second; of any other
         exception let Message be the exception and Errno 0. Report the text of Message (A), and let the result be OK
         false with Errno and Message.
    E.6. If no hook raised, let the result be null.
    E.7. Call `finalize`, also when E.4 or E.5 raised; such an exception then leaves `execute`.
    E.8. Return the result.
    """
    identify(run)
    try:
        try:
            for name in HOOKS:
                run.hook(name)
                steps = STEPS[run.scenario.subject].get(name)
                if steps and (name not in run.scenario.hooks or name == "_resolveInputVariables"):
                    steps(run)
                run.replaced(name)
        except GracefulTermination as end:
            report_status(run, str(end))
            return {"OK": True, "Value": end}
        except BaseException as error:  # noqa: BLE001 - no exception of a hook reaches the workflow
            numbered = isinstance(error, RuntimeError) and len(error.args) > 1
            message, number = error.args[:2] if numbered else (error, 0)
            report_status(run, str(message))
            return {"OK": False, "Errno": number, "Message": message}
        return None
    finally:
        run.hook("finalize")


def finish_base(_: ModelRun) -> None:
    """Finish a module that does not replace `_finalize`, as E.3 says."""
    raise GracefulTermination("<class 'derived.Module'> correctly finalized")


STEPS: Final[dict[str, dict[str, Callable[[ModelRun], None]]]] = {
    "module": {
        "_resolveInputVariables": resolve, "_initialize": initialize, "_execute": report_inputs, "_finalize": finish,
    },
    "base": {"_resolveInputVariables": resolve_workflow, "_finalize": finish_base},
}  # fmt: skip
"""The steps of the hooks of FailoverRequest, and of a module that adds nothing to its base class."""

VARIANTS: Final[dict[str, tuple[Execute, Execute, Mapping[str, Callable[..., Json]]]]] = {
    "dirac": (execute, execute, METHODS),
    "lhcbdirac": (lhcbdirac.execute, lhcbdirac.identify, lhcbdirac.METHODS),
    "ilcdirac": (ilcdirac.execute, ilcdirac.execute_base, ilcdirac.METHODS),
}
"""By variant: how FailoverRequest is executed, and a module that adds nothing to its base class; and the methods."""
