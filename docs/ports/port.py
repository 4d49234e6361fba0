"""A port of the FailoverRequest module that speaks the protocol itself, begun: copy it, and make ``verify`` agree.

A module in Python needs none of this: name it as ``package.module:Class``. This is for what is not a module, a command
that ends jobs, say. It reports the end of a job, and nothing else.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def say(message: dict[str, Any]) -> None:
    """Send a message."""
    print(json.dumps(message), flush=True)  # noqa: T201 - the protocol


def hear() -> dict[str, Any] | None:
    """Return the next message, or None when nobody asks any more."""
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


def run(scenario: dict[str, Any]) -> dict[str, Any]:
    """Do what the module does in ``scenario``, and say how it ended."""
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
    """Answer until nobody asks any more."""
    hear()  # the host's hello
    say({"hello": {"protocol": 1, "name": "python", "version": "0.1", "capabilities": ["calls"]}})
    while message := hear():
        say({"id": message["id"], "outcome": run(message["run"])})


if __name__ == "__main__":
    main()
