"""The smallest step runner that treats modules as DIRAC's workflow engine does: for learning and for tests.

A workflow is a sequence of steps, a step a sequence of modules. Each module is created, given its attributes and
executed, in order, also after a failure of an earlier one. The runner treats the result of ``execute()`` so:

=================================  ==================================================================================
``execute()``                      what follows
=================================  ==================================================================================
returns OK                         keys other than OK and Value go into ``step_commons``, and so do the items of a
                                   Value that is a dictionary
returns not OK, first of its step  Message becomes the application status; Message and Errno become the step's result
returns not OK, later              replaces ``stepStatus``, and nothing else
raises an Exception                as not OK, with an Errno of 0 and a text that names the module
returns anything else              raised an exception, as far as the runner can tell: None, not OK without Errno
raises SystemExit and the like     escapes from the workflow
=================================  ==================================================================================

``stepStatus`` begins anew with each step; ``workflowStatus`` is what the last failing step left. Nothing is reported
once the workflow has failed. Behaviour is that of ``DIRAC.Core.Workflow`` (9.1.22), quirks included. What DIRAC does
before anything runs is left out: XML, links between parameters, ``@{NAME}`` in their values, output parameters.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover import vocabulary as v
from dirac_failover.log import gLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dirac_failover.wire.rpc import Result

NO_ID: Final = "00000000"
"""PRODUCTION_ID and JOB_ID of a workflow unless it is given others."""

_log: Final = gLogger.getSubLogger("Workflow")


@dataclass(frozen=True)
class Module:
    """A module of a step: the class, the attributes that it gets, and its name if that is not the class's."""

    kind: Callable[[], Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class Step:
    """A step of a workflow: its name, its modules in order, and its parameters for ``step_commons``."""

    name: str
    modules: Sequence[Module]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def run_workflow(steps: Sequence[Step], workflow_commons: dict[str, Any] | None = None) -> Result:
    """Run every module of every step and return the Value of the last one, or how the last failing step failed.

    ``workflow_commons`` holds the workflow's parameters and tools (JobReport, Request, ...); modules share and change
    it, and PRODUCTION_ID and JOB_ID are added when they are missing. What a module's constructor or the JobReport
    raises escapes, and so does KeyError('Value') when the last module of a sound step returns OK without Value.

    >>> from DIRACCommon.Core.Utilities.ReturnValues import S_OK
    >>> class Hello:
    ...     def execute(self):
    ...         return S_OK(f"Hello from step {self.STEP_NUMBER}")
    >>> run_workflow([Step("greet", [Module(Hello)])])
    {'OK': True, 'Value': 'Hello from step 1'}
    """
    commons = {} if workflow_commons is None else workflow_commons
    commons.setdefault("PRODUCTION_ID", NO_ID)
    commons.setdefault("JOB_ID", NO_ID)
    status: Result = dict(S_OK())
    value: Any = ""
    for number, step in enumerate(steps, 1):
        result = _run_step(step, number, commons, status)
        if result["OK"]:
            value = result["Value"]
        else:
            status = dict(S_ERROR(result["Message"]))
            status["Errno"] = result["Errno"]
    return dict(S_OK(value)) if status["OK"] else status


def _run_step(step: Step, number: int, commons: dict[str, Any], workflow_status: Result) -> Result:
    def report(status: Any) -> None:
        if v.COMMONS_JOB_REPORT in commons and workflow_status["OK"]:
            commons[v.COMMONS_JOB_REPORT].setApplicationStatus(status)

    _log.info("Executing step", step.name)
    report(f"Executing {step.name}")
    parameters = _step_parameters(step, number, commons)
    step_commons = {**parameters, "StartTime": time.time(), "StartStats": os.times()}
    step_status: Result = dict(S_OK())
    code: Any  # these two are the first failure's
    message: Any
    for place, module in enumerate(step.modules, 1):
        instance = module.kind()
        name = module.name or type(instance).__name__
        attributes = {
            **_module_parameters(name, type(instance).__name__, place, parameters),
            **module.parameters,
            "workflow_commons": commons,
            "step_commons": step_commons,
            "stepStatus": step_status,
            "workflowStatus": workflow_status,
        }
        for attribute, value in attributes.items():
            setattr(instance, attribute, value)
        try:
            result = instance.execute()
            if result["OK"]:
                _keep(result, step_commons)
                continue
            if step_status["OK"]:
                message, code = result["Message"], result["Errno"]
                report(message)
            step_status = dict(S_ERROR(result["Message"]))  # its Errno is lost here
        except Exception as error:  # noqa: BLE001 - a module may raise anything
            _log.exception(f"Module {name}:", error)
            if step_status["OK"]:
                message, code = f"Exception while {name} module execution: {error}", 0
                report(f"Exception in {name} module")
            step_status = dict(S_ERROR(code, message))  # of the first failure, not of this one
    # A number makes S_ERROR put its meaning before the text: twice, when the module has done so already
    return dict(S_OK(result["Value"]) if step_status["OK"] else S_ERROR(code, message))


def _step_parameters(step: Step, number: int, commons: Mapping[str, Any]) -> dict[str, Any]:
    production, job = commons["PRODUCTION_ID"], commons["JOB_ID"]
    return {
        "STEP_NUMBER": str(number),
        "STEP_ID": f"{production}_{job}_{number}",
        "STEP_INSTANCE_NAME": step.name,
        "STEP_DEFINITION_NAME": step.name,
        "JOB_ID": job,
        "PRODUCTION_ID": production,
        **step.parameters,
    }


def _module_parameters(name: str, definition: str, place: int, step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MODULE_NUMBER": str(place),
        "MODULE_INSTANCE_NAME": name,
        "MODULE_DEFINITION_NAME": definition,
        "JOB_ID": step["JOB_ID"],
        "PRODUCTION_ID": step["PRODUCTION_ID"],
        "STEP_NUMBER": step["STEP_NUMBER"],
        "STEP_ID": step["STEP_NUMBER"],  # DIRAC links it to the step's number, not to its ID
    }


def _keep(result: Mapping[str, Any], step_commons: dict[str, Any]) -> None:
    """Give the result of a module to the later modules of the step."""
    for key, value in result.items():
        if key not in {"OK", "Value"}:
            step_commons[key] = value
        elif key == "Value" and isinstance(value, dict):
            step_commons.update(value)
