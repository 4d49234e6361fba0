"""Reports of runs that never happened, for tests of what shows them."""

from dataclasses import replace

from dirac_failover.actors.report import Ran, Recovery, RunReport, ServiceState
from dirac_failover.spec.observation import Call
from dirac_failover.spec.scenario import Scenario

FINE = {"OK": True, "Value": None}
REFUSED = {"OK": False, "Errno": 0, "Message": "HTTPSConnectionPool: [Errno 111] Connection refused')): None"}
JOB = {"Status": "Running", "MinorStatus": "m", "ApplicationStatus": "a", "history": [], "parameters": {}}
SERVICES = ServiceState({"77": JOB}, {"/a": {"Status": "Processed", "ErrorCount": 0}}, [], ())
RECOVERY = Recovery(None, (), SERVICES, True, [], [], [], [], [])
REPORT = RunReport(
    unfired=(), ended="returned", result=FINE, calls=(), services=SERVICES, request=None, files={}, recovery=RECOVERY,
    implementation=Ran("reference", "0.1.0", "package.module:Class"), scenario=Scenario(),
)  # fmt: skip


def call(target="module", method="_execute", *args, answer=None, raised=None, **others):
    """A call that answered, or raised the exception of this name."""
    result = answer if raised is None else {"exception": raised[0], "args": [*raised[1:]]}
    return Call(target, method, list(args), result, raised is not None, **others)


def operation(**changes):
    """An operation of a request."""
    names = ("Arguments", "SourceSE", "TargetSE", "Catalog", "Error", "decoded")
    return {**dict.fromkeys(names), "Type": "X", "Status": "Waiting", "Files": [], **changes}


def report(*calls, **changes):
    """A report with these calls and changes."""
    return replace(REPORT, **{"calls": calls, **changes})
