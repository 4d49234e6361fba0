"""The level ``dirac``: the observable behaviour of DIRAC 9.1, or of the implementation of another profile.

Each clause is a row of :data:`CLAUSES`: it compares one part of an observation with the observation that the model
makes by the steps of ``docs/algorithm.md``, and names the steps whose effect it compares. Together the clauses compare
everything. They are asked wherever the model is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.check_context import specified
from dirac_failover.spec.clauses.clause import THREADS, Clause, Violation
from dirac_failover.spec.compare import equal
from dirac_failover.spec.facts import MODULE
from dirac_failover.spec.observation import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.check_context import CheckContext
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Json

    Part = Callable[[Observation], Json]

BASE: Final = "ModuleBase"
FAILOVER: Final = "FailoverRequest"
STATUS: Final = ("JobReport", "setApplicationStatus")
FILE_STATUS: Final = ("FileReport", "setFileStatus")
IDENTIFIERS: Final = ("production_id", "prod_job_id", "jobID", "step_number", "step_id")
INPUTS: Final = ("InputData", "inputDataList", "stepInputData", "inputDataType")
APPLICATION: Final = (
    "jobType", "executable", "command", "applicationName", "applicationVersion", "applicationLog", "stepName",
    "appSteps", "outputDataFileMask",
)  # fmt: skip
STATUSES: Final = ("workflowStatus", "stepStatus")
NAMES: Final = ("RequestName", "JobID", "SourceComponent", "Owner", "OwnerGroup")
REPORTS: Final = ("JobReport", "FileReport", "AccountingReport")
NAMED: Final = {*IDENTIFIERS, *INPUTS, *APPLICATION, *STATUSES, *REPORTS, "workflow_commons"}
"""The attributes that have a clause of their own; DI-099 compares the others."""


def _calls(seen: Observation) -> Json:
    return [f"{step.target}.{step.method}" for step in seen.steps if step.target != MODULE]


def _hooks(seen: Observation) -> Json:
    return [step.method for step in seen.steps if step.target == MODULE]


def _arguments(*call: str) -> Part:
    return lambda seen: [step.args for step in seen.steps if step[:2] == call]


def _attributes(*names: str) -> Part:
    return lambda seen: {name: seen.attributes.get(name, ABSENT) for name in names}


def _of_request(*names: str) -> Part:
    return lambda seen: {name: (seen.request or {}).get(name, ABSENT) for name in names}


_REST: Final[dict[str, tuple[Part, tuple[Part, ...]]]] = {
    "order of hooks among calls": (lambda o: [f"{step.target}.{step.method}" for step in o.steps], (_calls, _hooks)),
    "arguments of other calls": (
        lambda o: [s.args for s in o.steps if s.target != MODULE and s[:2] not in {STATUS, FILE_STATUS}], (_calls,),
    ),
    "arguments and answers of hooks": (lambda o: [s[2:] for s in o.steps if s.target == MODULE], (_hooks,)),
    "other attributes": (lambda o: _others(o.attributes, NAMED), ()),
    "other fields of the request": (lambda o: _others(o.request or {}, {*NAMES, "Operations"}), ()),
    "services": (lambda o: o.services, ()),
}  # fmt: skip
"""The parts that DI-099 compares; and those that must be equal for the comparison to have a meaning of its own."""


def _others(values: dict[str, Any], named: set[str]) -> Json:
    return {name: value for name, value in values.items() if name not in named and value != ABSENT}


def _rest(case: CheckContext) -> Violation | None:
    if case.as_expected:
        return None
    expected, observed = case.expected, case.outcome
    differing = {
        name: (part(expected), part(observed))
        for name, (part, given) in _REST.items()
        if all(equal(one(expected), one(observed)) for one in given) and not equal(part(expected), part(observed))
    }
    if not differing:
        return None
    wanted, found = ({name: pair[side] for name, pair in differing.items()} for side in (0, 1))
    return Violation(wanted, found)


def _compare(part: Part) -> Callable[[CheckContext], Violation | None]:
    """Return a judge that compares one part of the observation with the expected one."""

    def judge(case: CheckContext) -> Violation | None:
        if case.as_expected:
            return None
        expected, observed = part(case.expected), part(case.outcome)
        return None if equal(expected, observed) else Violation(expected, observed)

    return judge


def _clause(  # noqa: PLR0913, PLR0917 - a row of the table
    id_: str, title: str, part: Part | None, source: str, text: str, steps: str, reason: str, harm: str, note: str = "",
    thread: str = "",
) -> Clause:  # fmt: skip
    judge = _compare(part) if part else _rest
    issue = f"{THREADS}{thread}" if thread else ""
    return Clause(id_, title, text, reason, harm, source, specified, judge, note, issue, steps=tuple(steps.split()))


CLAUSES: Final = (
    _clause("DI-001", "Calls", _calls, FAILOVER,
        "Collaborators and services are called in the order of the steps, and nothing else is called.",
        "X G.1 G.2 G.5 G.7 A.2 MP.2 LE.3 LE.4 LX LG.1 LG.4 CE.3 CX CG CS.2 CP TC TF.1 UT UF.1 UP.2 US.2 "
        "ZC.1 ZC.2 ZR SC.2",
        "The order decides what is lost when one of the calls fails.", "Another order loses other things."),
    _clause("DI-002", "Hooks", _hooks, f"{BASE}.execute", "The sequence of hooks equals the profile's.",
        "W E.1 E.2 E.3 E.7 M.2 ME LE.1 LE.2 LE.7 CE.5 CF",
        "Subclasses rely on it.", "The hook of a subclass is not called."),
    _clause("DI-003", "Return or exception", lambda seen: seen.ended, f"{BASE}.execute",
        "The module raises if and only if the steps let an exception leave it.",
        "E.1 E.2 E.7 I RW.5 M.2 H LE.6 CE SC.1 SC.5 D TN.1",
        "An exception that escapes ends the workflow.", "A workflow ends early, or hides a failure."),
    _clause("DI-004", "Result", lambda seen: seen.result, f"{BASE}.execute",
        "The result equals the profile's: OK, Value, Message and Errno, or the exception, by class and arguments.",
        "W.3 E.4 E.5 E.6 E.8 I P N.1 N.2 G.2 G.4 G.5 G.6 G.7 G.8 V A F MS MP.1 MP.3 ME MC MM "
        "LE LI.4 LG.4 LC CE CB CF CS CP CC CD CH J.2",
        "The workflow makes the job's status and exit code of it.", "The job has another status or exit code."),
    _clause("DI-005", "Application statuses", _arguments(*STATUS), f"{BASE}.setApplicationStatus",
        "Each application status has the text of the steps, and is sent at once if the steps say so.",
        "E.4 E.5 X.5 A MS H LE.3 LE.6 CE.3 CS.2",
        "People and programs search for these texts.", "Monitoring does not recognise the job's end."),
    _clause("DI-006", "Statuses of files", _arguments(*FILE_STATUS), f"{FAILOVER}._execute",
        "Each call of setFileStatus has the transformation, the file and the status of the steps, in their order.",
        "X.1 X.2 LX.1 LX.2 CX.1 CX.2 CX.3",
        "The transformation system goes by them.", "Files get a wrong status, or none."),
    _clause("DI-007", "Answers", lambda seen: [step.result for step in seen.steps if step.target != MODULE], FAILOVER,
        "The answer to each call of a collaborator or a service equals the profile's.",
        "SC.3 SC.4 SC.5 SC.6 SF SB.2 SB.5 SP SR SX",
        "Another answer means that the call was another.", "A service is asked for another thing."),
    _clause("DI-008", "Identifiers", _attributes(*IDENTIFIERS), f"{BASE}.execute",
        "The module's identifiers equal the profile's afterwards.", "I LI CR.1 CR.4 CB",
        "Later modules read them.", "Later modules report in another's name."),
    _clause("DI-009", "Inputs", _attributes(*INPUTS), f"{BASE}._resolveInputWorkflow",
        "The module's input files equal the profile's afterwards.",
        "R.2 R.3 RW.2 RW.3 RW.4 RW.5 RS.4 RS.5 RS.6 RS.7 P LR.2 LR.4 CR.3",
        "Subclasses and later modules read them.", "Another file is processed or reported."),
    _clause("DI-010", "Prefix", _attributes("inputDataList"), f"{BASE}._resolveInputWorkflow",
        "The prefix LFN: is removed as characters, at both ends of a name.", "B RW.5",
        "It is the behaviour of DIRAC.", "A module that relies on it finds other names.", "quirk"),
    _clause("DI-011", "Application", _attributes(*APPLICATION), f"{BASE}._resolveInputStep",
        "The module's attributes of the application and its outputs equal the profile's afterwards.",
        "RW.1 RW.6 RW.7 RS.1 RS.2 RS.3 LR.1 LR.2 LR.3 CR.2",
        "Subclasses read them.", "Another application is run, or other outputs are uploaded."),
    _clause("DI-012", "Workflow statuses", _attributes(*STATUSES), BASE,
        "The statuses of workflow and step are those with which the module began.", "W.2",
        "They belong to the workflow.", "A failure is forgotten."),
    _clause("DI-013", "workflow_commons", _attributes("workflow_commons"), BASE,
        "The keys of workflow_commons equal the profile's afterwards.", "W.1 R.1",
        "Modules hand things on in it.", "The next module makes a second report, and one of the two is never sent."),
    _clause("DI-014", "Job report", _attributes("JobReport"), "JobReport",
        "The job report keeps the statuses and parameters that no service has taken.",
        "UK US.1 UT.1 UT.2 UT.4 UF.2 UF.3 UP",
        "They are sent with the next report.", "A status is lost, or sent twice."),
    _clause("DI-015", "File report", _attributes("FileReport"), f"{FAILOVER}._execute",
        "The file report keeps the statuses that no service has taken, with their transformation and force.",
        "X.2 TS TC.3 TC.5 TC.6 TF.2",
        "Force lets a status that is final be changed.", "Files stay processed although their job failed.",
        thread="issues/1112"),
    _clause("DI-016", "Accounting", _attributes("AccountingReport"), f"{BASE}.generateFailoverFile",
        "The accounting client keeps the records that no service has taken.", "ZC",
        "Accounting pays for the grid.", "Work is not accounted for."),
    _clause("DI-017", "Name of the request", _of_request(*NAMES), f"{FAILOVER}._initialize",
        "The request is named after the job, and its owner is unchanged.", "N.3 Q M.1 CQ",
        "The request system acts in the owner's name.", "The request is refused, or executed in another's name.",
        thread="pull/2435"),
    _clause("DI-018", "Operations", _of_request("Operations"), f"{FAILOVER}._execute",
        "The operations of the request equal the profile's, with their fields, files and order.",
        "X.4 G.1 O LX.4 LG.2 CX.5 CQ TF.2 UF.2 DO D SC.7",
        "They are executed in order.", "Something is done in the wrong order, twice, or not at all.",
        thread="pull/2205"),
    _clause("DI-019", "Names of files", lambda seen: sorted(seen.files), f"{BASE}.generateFailoverFile",
        "The names of the files in the working directory equal the profile's afterwards.",
        "X.5 G.2 G.3 G.6 LE.4 LG.3 CG.4 CD",
        "The JobWrapper takes each request that it finds.", "A request is not found, or an old one is sent again."),
    _clause("DI-020", "Content of files", lambda seen: seen.files, f"{BASE}.generateFailoverFile",
        "The content of each file equals the profile's, except for times.", "G.5 G.6 J O",
        "Other programs read them.", "The request cannot be read, or is read as another."),
    _clause("DI-099", "Everything else", None, FAILOVER,
        "Every other part equals the profile's: other attributes, arguments of other calls, the state of the services.",
        "TC.2 TC.4 TN SC SF SS SB SP SA SR SX UT.3 ZR.1",
        "The other clauses look at one aspect each.", "A difference that no other clause is about."),
)  # fmt: skip
"""The clauses of the level."""
