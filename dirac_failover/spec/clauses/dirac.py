"""The level ``dirac``: what DIRAC 9.1, or the implementation of another profile, observably does.

Each clause compares one aspect of what was observed with the executable specification; together they are total. They
are asked wherever the specification speaks of the scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dirac_failover.spec.check_context import specified
from dirac_failover.spec.clauses.clause import Clause, Violation, rule
from dirac_failover.spec.compare import equal
from dirac_failover.spec.facts import MODULE
from dirac_failover.spec.observation import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from dirac_failover.spec.check_context import CheckContext
    from dirac_failover.spec.observation import Observation
    from dirac_failover.spec.scenario import Json

    Look = Callable[[Observation], Json]

BASE: Final = "ModuleBase"
FAILOVER: Final = "FailoverRequest"


def clause(  # noqa: PLR0913 - what there is to say of a clause
    id_: str, *, reason: str, harm: str, source: str, note: str = "", thread: str = ""
) -> Callable[[Callable[[Observation], Json]], Clause]:
    """Make a clause of a function that looks at one aspect, which is to be the specification's."""

    def decorate(look: Look) -> Clause:
        def judge(case: CheckContext) -> Violation | None:
            if case.as_expected:
                return None
            expected, observed = look(case.expected), look(case.outcome)
            return None if equal(expected, observed) else Violation(expected, observed)

        issue = f"https://github.com/DIRACGrid/DIRAC/{thread}" if thread else ""
        return Clause(id_, rule(look), reason, harm, source, specified, judge, note, issue)

    return decorate


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
HELD: Final = ("JobReport", "FileReport", "AccountingReport")
TOLD: Final = {*IDENTIFIERS, *INPUTS, *APPLICATION, *STATUSES, *HELD, "workflow_commons"}
"""The attributes that clauses speak of by name; the rest is for DI-099."""


def _arguments(outcome: Observation, call: tuple[str, str]) -> Json:
    return [step.args for step in outcome.steps if step[:2] == call]


def _attributes(outcome: Observation, *names: str) -> Json:
    return {name: outcome.attributes.get(name, ABSENT) for name in names}


def _of_request(outcome: Observation, *names: str) -> Json:
    return {name: (outcome.request or {}).get(name, ABSENT) for name in names}


@clause(
    "DI-001", source=FAILOVER,
    reason="Order decides what is lost when one of them fails.", harm="Another order loses other things.",
)  # fmt: skip
def calls(outcome: Observation) -> Json:
    """Collaborators and services are called in the order of the specification, and nothing else is called."""
    return _calls(outcome)


def _calls(outcome: Observation) -> Json:
    return [f"{step.target}.{step.method}" for step in outcome.steps if step.target != MODULE]


@clause(
    "DI-002", source=f"{BASE}.execute", reason="Subclasses rely on it.", harm="A subclass' hook is not called.",
)  # fmt: skip
def hooks(outcome: Observation) -> Json:
    """The sequence of hooks equals the specification's."""
    return _hooks(outcome)


def _hooks(outcome: Observation) -> Json:
    return [step.method for step in outcome.steps if step.target == MODULE]


@clause(
    "DI-003", source=f"{BASE}.execute",
    reason="An exception that escapes ends the workflow.", harm="A workflow ends early, or hides a failure.",
)  # fmt: skip
def ended(outcome: Observation) -> Json:
    """The module returns, or raises, as specified."""
    return outcome.ended


@clause(
    "DI-004", source=f"{BASE}.execute",
    reason="The workflow turns it into the job's status and exit code.",
    harm="The job's status or exit code is another.",
)  # fmt: skip
def result(outcome: Observation) -> Json:
    """The result is exactly the specified one: OK, Value, Message and Errno, exception objects included."""
    return outcome.result


@clause(
    "DI-005", source=f"{BASE}.setApplicationStatus",
    reason="People and programs search for these texts.", harm="Monitoring does not recognise the job's end.",
)  # fmt: skip
def statuses(outcome: Observation) -> Json:
    """The application statuses are reported with the specified texts, and sent at once where that is specified."""
    return _arguments(outcome, STATUS)


@clause(
    "DI-006", source=f"{FAILOVER}._execute",
    reason="The transformation system goes by them.", harm="Files get a wrong status, or none.",
)  # fmt: skip
def file_statuses(outcome: Observation) -> Json:
    """The file statuses are given for the specified transformation and files, in the specified order."""
    return _arguments(outcome, FILE_STATUS)


@clause(
    "DI-007", source=FAILOVER,
    reason="A different answer means a different question.", harm="A call means something else than it says.",
)  # fmt: skip
def answers(outcome: Observation) -> Json:
    """The answers of collaborators and services are the specified ones."""
    return [step.result for step in outcome.steps if step.target != MODULE]


@clause(
    "DI-008", source=f"{BASE}.execute",
    reason="Later modules read them.", harm="Later modules report in another's name.",
)  # fmt: skip
def identifiers(outcome: Observation) -> Json:
    """The module's identifiers are the specified ones afterwards."""
    return _attributes(outcome, *IDENTIFIERS)


@clause(
    "DI-009", source=f"{BASE}._resolveInputWorkflow",
    reason="Subclasses and later modules read them.", harm="Another file is processed or reported.",
)  # fmt: skip
def inputs(outcome: Observation) -> Json:
    """The module's input files are the specified ones afterwards."""
    return _attributes(outcome, *INPUTS)


@clause(
    "DI-010", source=f"{BASE}._resolveInputWorkflow", note="quirk",
    reason="It is the behaviour of DIRAC.", harm="A module that relies on it finds other names.",
)  # fmt: skip
def prefix(outcome: Observation) -> Json:
    """The prefix LFN: is taken off as characters, at both ends of a name."""
    return _attributes(outcome, "inputDataList")


@clause(
    "DI-011", source=f"{BASE}._resolveInputStep",
    reason="Subclasses read it.", harm="Another application is run, or other outputs are uploaded.",
)  # fmt: skip
def application(outcome: Observation) -> Json:
    """The module's knowledge of the application and its outputs is the specified one afterwards."""
    return _attributes(outcome, *APPLICATION)


@clause(
    "DI-012", source=BASE, reason="They belong to the workflow.", harm="A failure is forgotten.",
)  # fmt: skip
def workflow_statuses(outcome: Observation) -> Json:
    """The statuses of workflow and step are unchanged."""
    return _attributes(outcome, *STATUSES)


@clause(
    "DI-013", source=BASE,
    reason="It is how modules hand things on.",
    harm="The next module makes a second report, and one of the two is never sent.",
)  # fmt: skip
def commons(outcome: Observation) -> Json:
    """workflow_commons holds the specified keys afterwards."""
    return _attributes(outcome, "workflow_commons")


@clause(
    "DI-014", source="JobReport",
    reason="It is sent with the next report.", harm="A status is lost, or sent twice.",
)  # fmt: skip
def job_report(outcome: Observation) -> Json:
    """The job report holds the statuses and parameters that could not be sent."""
    return _attributes(outcome, "JobReport")


@clause(
    "DI-015", source=f"{FAILOVER}._execute", thread="issues/1112",
    reason="Force lets a status that is final be changed.",
    harm="Files stay processed although their job failed.",
)  # fmt: skip
def file_report(outcome: Observation) -> Json:
    """The file report holds the statuses that could not be sent, for its transformation, by force after a failure."""
    return _attributes(outcome, "FileReport")


@clause(
    "DI-016", source=f"{BASE}.generateFailoverFile",
    reason="Accounting pays for the grid.", harm="Work is not accounted for.",
)  # fmt: skip
def accounting(outcome: Observation) -> Json:
    """The accounting client holds the records that could not be sent."""
    return _attributes(outcome, "AccountingReport")


@clause(
    "DI-017", source=f"{FAILOVER}._initialize", thread="pull/2435",
    reason="The request system acts in the owner's name.",
    harm="The request is refused, or executed in another's name.",
)  # fmt: skip
def request_name(outcome: Observation) -> Json:
    """The request is named after the job, and its owner is unchanged."""
    return _of_request(outcome, *NAMES)


@clause(
    "DI-018", source=f"{FAILOVER}._execute", thread="pull/2205",
    reason="They are executed in order.", harm="Something is done in the wrong order, twice, or not at all.",
)  # fmt: skip
def operations(outcome: Observation) -> Json:
    """The request holds the specified operations, with their fields, in order."""
    return _of_request(outcome, "Operations")


@clause(
    "DI-019", source=f"{BASE}.generateFailoverFile",
    reason="The job wrapper takes each request that it finds.",
    harm="A request is not found, or an old one is sent again.",
)  # fmt: skip
def file_names(outcome: Observation) -> Json:
    """The working directory holds the specified files afterwards."""
    return sorted(outcome.files)


@clause(
    "DI-020", source=f"{BASE}.generateFailoverFile",
    reason="Other programs read them.", harm="The request cannot be read, or is read as another.",
)  # fmt: skip
def file_texts(outcome: Observation) -> Json:
    """The files hold exactly the specified text, times apart."""
    return outcome.files


_REST: Final[dict[str, tuple[Look, tuple[Look, ...]]]] = {
    "order of hooks among calls": (lambda o: [f"{step.target}.{step.method}" for step in o.steps], (_calls, _hooks)),
    "arguments of other calls": (
        lambda o: [s.args for s in o.steps if s.target != MODULE and s[:2] not in {STATUS, FILE_STATUS}], (_calls,),
    ),
    "arguments and answers of hooks": (lambda o: [s[2:] for s in o.steps if s.target == MODULE], (_hooks,)),
    "other attributes": (lambda o: _others(o.attributes, TOLD), ()),
    "other fields of the request": (lambda o: _others(o.request or {}, {*NAMES, "Operations"}), ()),
    "services": (lambda o: o.services, ()),
}  # fmt: skip
"""What no other clause of the level looks at; and what must be as expected for it to have a meaning of its own."""


def _others(values: dict[str, Any], told: set[str]) -> Json:
    return {name: value for name, value in values.items() if name not in told and value != ABSENT}


def _nothing_else(case: CheckContext) -> Violation | None:
    """Nothing else that can be observed differs."""
    if case.as_expected:
        return None
    expected, observed = case.expected, case.outcome
    differing = {
        name: (look(expected), look(observed))
        for name, (look, given) in _REST.items()
        if all(equal(part(expected), part(observed)) for part in given) and not equal(look(expected), look(observed))
    }
    if not differing:
        return None
    wanted, found = ({name: pair[side] for name, pair in differing.items()} for side in (0, 1))
    return Violation(wanted, found)


nothing_else: Final = Clause(
    "DI-099", rule(_nothing_else), "The other clauses look at one aspect each.",
    "A difference that no other clause is about.", FAILOVER, specified, _nothing_else,
)  # fmt: skip
