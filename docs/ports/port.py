"""A port of the FailoverRequest module that speaks the protocol itself, begun: copy it, and make ``verify`` agree.

A module in Python needs none of this: name it as ``package.module:Class``. A chain of commands
needs none, either: see ``end_of_job.py``. It reports the end of a job, and nothing else.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def say(message: dict[str, Any]) -> None:
    """Send a message."""
    print(json.dumps(message), flush=True)  # noqa: T201 - the protocol


def hear() -> dict[str, Any] | None:
    """Return the next message, or None at the end of the input."""
    line = sys.stdin.readline()
    message: dict[str, Any] | None = json.loads(line) if line else None
    return message


class RaisedError(Exception):
    """What a collaborator raises."""


def call(target: str, method: str, *args: Any) -> Any:
    """Ask a collaborator."""
    say({"call": [target, method, args]})
    reply = hear() or {}
    if "raises" in reply:
        raise RaisedError(reply["raises"])
    return reply["answer"]


class Module:
    """The methods that other modules call by themselves."""

    def __init__(self, job_id: int) -> None:
        """Belong to a job; 0 is none."""
        self.job_id = job_id

    def setApplicationStatus(self, status: Any, sendFlag: Any = True) -> None:
        """Report a status of the application."""
        if self.job_id:
            call("JobReport", "setApplicationStatus", str(status), sendFlag)

    def setJobParameter(self, name: Any, value: Any, sendFlag: Any = True) -> None:
        """Report a parameter of the job."""
        if self.job_id:
            call("JobReport", "setJobParameter", str(name), str(value), sendFlag)


def call_methods(scenario: dict[str, Any]) -> dict[str, Any]:
    """Call single methods, and say what each returned or raised."""
    attributes = scenario["attributes"]
    ended, results = "returned", []
    for method, arguments, *named in scenario["calls"]:
        try:
            results.append(getattr(Module(attributes["jobID"]), method)(*arguments, **dict(*named)))
        except Exception as error:  # noqa: BLE001 - the host gets it
            ended = "raised"
            raised = {"exception": type(error).__name__, "args": list(error.args)}
            results.append(error.args[0] if isinstance(error, RaisedError) else raised)
    return {"ended": ended, "result": results, "attributes": attributes, "request": None}


def run(scenario: dict[str, Any]) -> dict[str, Any]:
    """Do what the module does in ``scenario``, and say how it ended."""
    if "calls" in scenario:
        return call_methods(scenario)
    text = scenario.get("environment", {"JOBID": "77"}).get("JOBID", "0")
    job_id = int(text) if text.isdecimal() else 0
    result: dict[str, Any] = {"OK": True, "Value": None}
    try:
        if job_id:
            call("JobReport", "setApplicationStatus", "Job Finished Successfully", True)
    except RaisedError as error:
        result = {"OK": False, "Errno": 0, "Message": error.args[0]}
    return {"ended": "returned", "result": result, "attributes": {"jobID": job_id}, "request": None}


def main() -> None:
    """Answer until the input ends."""
    hear()  # the host's hello
    say({"hello": {"protocol": 2, "name": "python", "version": "0.1", "capabilities": ["calls", "methods"]}})
    while message := hear():
        say({"id": message["id"], "outcome": run(message["run"])})


if __name__ == "__main__":
    main()
