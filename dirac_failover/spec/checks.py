"""How an outcome is held against a clause: the checks that the table in :mod:`dirac_failover.spec.clauses` names.

A check answers None when the clause has nothing to say about the case, :data:`HELD` when it holds, and otherwise what
was expected beside what was observed. Checks of the levels ``contract`` and ``lossless`` look at the outcome alone, so
that any port can be judged; those of the level ``dirac`` compare one aspect of it with the executable specification.
"""

# ruff: noqa: D103 - what a check holds is the sentence of its clause

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.spec.case import MODULE, STATUS, Case, same
from dirac_failover.spec.outcome import ABSENT
from dirac_failover.spec.scenario import MISSING

if TYPE_CHECKING:
    from dirac_failover.spec.outcome import Outcome
    from dirac_failover.spec.scenario import Json

CONTRACT: Final = "contract"
DIRAC: Final = "dirac"
LOSSLESS: Final = "lossless"
LEVELS: Final = (CONTRACT, DIRAC, LOSSLESS)


class Breach(NamedTuple):
    """How an outcome breaks a clause: what should have been there, and what was."""

    expected: Json
    observed: Json


Verdict = Breach | tuple[()] | None
HELD: Final[tuple[()]] = ()


Check = Callable[[Case], Verdict]


@dataclass(frozen=True)
class Clause:
    """One sentence of the contract, and how a case is held against it."""

    id: str
    level: str
    text: str
    reason: str
    harm: str
    source: str
    check: Check
    note: str = ""
    """The hazard that keeping the clause removes (``H1``), or ``quirk``: odd, and yet what DIRAC does."""
    issue: str = ""
    """The address of a public thread in which DIRAC's developers learned it, if there is one."""


def _equal(expected: Json, observed: Json) -> Verdict:
    return HELD if expected == observed else Breach(expected, observed)


def _holds(condition: bool, expected: Json, observed: Json) -> Verdict:
    return HELD if condition else Breach(expected, observed)


# Contract: on the outcome alone

ORDER: Final = ("_resolveInputVariables", "_initialize", "_setCommand", "_executeCommand", "_execute", "_finalize")


def hooks_in_order(case: Case) -> Verdict:
    if not case.hooks:
        return None
    observed = [[hook for hook in hooks if hook != "finalize"] for hooks in case.executions]
    return _equal([list(ORDER[: len(hooks)]) for hooks in observed], observed)


def finalize_always(case: Case) -> Verdict:
    if not case.hooks:
        return None
    ends = [hooks[-1] for hooks in case.executions]
    return _equal(["finalize"] * case.scenario.executions, ends)


def identified_first(case: Case) -> Verdict:
    scenario = case.scenario
    missing = [
        key
        for attribute, key in (("production_id", "PRODUCTION_ID"), ("prod_job_id", "JOB_ID"))
        if not scenario.attributes.get(attribute) and key not in scenario.workflow_commons
    ]
    return _equal(["raised", []], [case.outcome.ended, case.hooks]) if missing else None


def return_structure(case: Case) -> Verdict:
    if case.outcome.ended != "returned":
        return None
    result = case.result
    good = isinstance(result, dict) and (
        (result.get("OK") is True and "Value" in result)
        or (result.get("OK") is False and "Message" in result and "Errno" in result)
    )
    return _holds(good, "a return structure", result)


def _refused(case: Case) -> bool:
    """Tell whether any answer was not OK."""
    return any(str(step.answer).startswith("s_error") for step in case.collaboration)


def exceptions_become_results(case: Case) -> Verdict:
    return None if case.raised is None else _equal("returned", case.outcome.ended)


def graceful_is_good(case: Case) -> Verdict:
    raised = case.raised
    return None if not raised or raised[0] != "GracefulTermination" or _refused(case) else _equal(True, case.ok)


def error_number(case: Case) -> Verdict:
    raised = case.raised
    if not raised or raised[0] != "RuntimeError" or len(raised) == 2:  # noqa: PLR2004 - name and text
        return None
    result = case.result if isinstance(case.result, dict) else {}
    return _equal([raised[1], int(raised[2])], [result.get("Message"), result.get("Errno")])


def ends_are_reported(case: Case) -> Verdict:
    raised = case.raised
    # What was refused may be worse than a graceful end, and be reported instead
    if raised is None or case.health != "well" or (raised[0] == "GracefulTermination" and _refused(case)):
        return None
    calls = case.calls(STATUS)
    return _equal(raised[1] if len(raised) > 1 else "", calls[-1].args[0] if calls else None)


def silent_after_failure(case: Case) -> Verdict:
    return None if case.health != "failed" or not case.scripted else _equal([], case.calls(STATUS))


def disabled_without_job(case: Case) -> Verdict:
    if case.job or not case.hooks:
        return None
    return _equal([True, []], [case.ok or bool(case.pending), case.collaboration])


def earlier_statuses_stay(case: Case) -> Verdict:
    if not case.scenario.reported or not case.scripted:
        return None
    # A file report that changes its mind between two questions is asked about elsewhere
    if len(case.scenario.answers.get("FileReport.getFiles", ("ok",))) > 1:
        return None
    touched = [
        call.args[1] for call in case.calls("FileReport.setFileStatus") if call.args[1] in case.scenario.reported
    ]
    return _equal([], touched)


def statuses_by_health(case: Case) -> Verdict:
    given = {call.args[2] for call in case.calls("FileReport.setFileStatus")}
    if not given or not case.scripted or case.health == "unset":
        return None
    return _equal(["Processed" if case.health == "well" else "Unused"], sorted(given))


def second_try(case: Case) -> Verdict:
    if not case.answered("FileReport.commit", "s_error"):
        return None
    return _equal(1, len(case.calls("FileReport.generateForwardDISET")))


def operations_are_taken(collaborator: str, arguments: str) -> Check:
    def check(case: Case) -> Verdict:
        if not case.answered(f"{collaborator}.generateForwardDISET", "operation"):
            return None
        return _equal(1, [item[1] for item in case.pending].count(arguments))

    return check


def one_file(case: Case) -> Verdict:
    new = sorted(set(case.outcome.files) - set(case.scenario.files))
    return _equal([case.request_file], new) if new else None


def collaborators_are_made(case: Case) -> Verdict:
    made = sorted(name for name, kind in case.scenario.collaborators.items() if kind == MISSING)
    if not made or "_initialize" not in case.hooks:
        return None
    there = {name for name in made if name in case.outcome.attributes or (name == "Request" and case.outcome.request)}
    return _equal(made, sorted(there))


def file_is_the_request(case: Case) -> Verdict:
    text = case.outcome.files.get(case.request_file)
    untouched = text in {None, "<link>", "<directory>", "[]"}
    if untouched or case.scenario.answers.get("Request.toJSON", ("ok",)) != ("ok",):
        return None
    request = case.outcome.request or {}
    try:
        content = case.content
        observed = [content["RequestName"], content["JobID"], case.written]
    except (ValueError, KeyError, TypeError):
        return Breach("the request as JSON", text)
    # An operation that no request system takes may be left out; whether it may be silently is asked elsewhere
    kept = [item for item in case.pending if item in case.written or not (is_invalid(item) or is_no_text(item))]
    return _equal([request.get("RequestName"), request.get("JobID"), kept], observed)


def is_invalid(operation: Json) -> bool:
    """Tell whether an operation lacks the files that it is about."""
    return bool(operation[0] == "RemoveFile" and not operation[2])


def is_no_text(operation: Json) -> bool:
    """Tell whether an operation's arguments cannot be written as text."""
    return "\\x" in str(operation[1])


# DIRAC: one aspect of the outcome each, beside what the specification says


def aspect(look: Callable[[Outcome], Json]) -> Check:
    def check(case: Case) -> Verdict:
        if case.expected is None:
            return None
        if case.as_expected:
            return HELD
        expected, observed = look(case.expected), look(case.outcome)
        return _holds(same(expected, observed), expected, observed)

    return check


def arguments(target: str, method: str) -> Check:
    _TOLD["calls"].add((target, method))
    return aspect(lambda outcome: [step.args for step in outcome.steps if step[:2] == (target, method)])


def attributes(*names: str) -> Check:
    _TOLD["attributes"].update(names)
    return aspect(lambda outcome: {name: outcome.attributes.get(name, ABSENT) for name in names})


def of_request(*names: str) -> Check:
    _TOLD["request"].update(names)
    return aspect(lambda outcome: {name: (outcome.request or {}).get(name, ABSENT) for name in names})


_TOLD: Final[dict[str, set[Any]]] = {"calls": set(), "attributes": set(), "request": set()}
"""What the clauses made above speak of: the rest is for :func:`nothing_else`."""


def calls(outcome: Outcome) -> Json:
    """The calls of collaborators and services, in order."""
    return [f"{step.target}.{step.method}" for step in outcome.steps if step.target != MODULE]


def hooks(outcome: Outcome) -> Json:
    """The hooks, in order."""
    return [step.method for step in outcome.steps if step.target == MODULE]


_REST: Final[dict[str, tuple[Callable[[Outcome], Json], tuple[Callable[[Outcome], Json], ...]]]] = {
    "order of hooks among calls": (lambda o: [f"{step.target}.{step.method}" for step in o.steps], (calls, hooks)),
    "arguments of other calls": (
        lambda o: [s.args for s in o.steps if s.target != MODULE and s[:2] not in _TOLD["calls"]], (calls,),
    ),
    "arguments and answers of hooks": (lambda o: [s[2:] for s in o.steps if s.target == MODULE], (hooks,)),
    "other attributes": (lambda o: _others(o.attributes, "attributes"), ()),
    "other fields of the request": (lambda o: _others(o.request or {}, "request"), ()),
    "services": (lambda o: o.services, ()),
}  # fmt: skip
"""What no other clause of the level looks at; and what must be as expected for it to have a meaning of its own."""


def _others(values: Json, told: str) -> Json:
    return {name: value for name, value in values.items() if name not in _TOLD[told] and value != ABSENT}


def nothing_else(case: Case) -> Verdict:
    if case.expected is None:
        return None
    if case.as_expected:
        return HELD
    expected, observed = case.expected, case.outcome
    differing = {
        name: (look(expected), look(observed))
        for name, (look, given) in _REST.items()
        if all(same(part(expected), part(observed)) for part in given) and not same(look(expected), look(observed))
    }
    return _holds(
        not differing,
        {name: wanted for name, (wanted, _) in differing.items()},
        {name: found for name, (_, found) in differing.items()},
    )


# Lossless: where does everything that is pending end?


def kept(applies: Callable[[Case], bool]) -> Check:
    """Every operation of the request is in the file, whenever ``applies``."""

    def check(case: Case) -> Verdict:
        if not case.pending or not applies(case):
            return None
        return _holds(not case.unwritten, {"in the file": case.pending}, {"in the file": case.written})

    return check


def others_kept(is_bad: Callable[[Json], bool]) -> Check:
    """The other operations are in the file, when one of them is bad."""

    def check(case: Case) -> Verdict:
        reached = case.calls("JobReport.generateForwardDISET") and not case.answered(
            "AccountingReport.commit", "s_", "b", "r"
        )
        bad = [operation for operation in case.pending if is_bad(operation)]
        others = [operation for operation in case.pending if not is_bad(operation)]
        if not bad or not others or not reached or not case.scenario.owner or not case.writable:
            return None
        return _holds(
            all(item in case.written for item in others), {"in the file": others}, {"in the file": case.written}
        )

    return check


def not_a_success(applies: Callable[[Case], bool], what: str) -> Check:
    """The module does not say OK, whenever ``applies``: ``what`` is lost then."""

    def check(case: Case) -> Verdict:
        return _holds(not case.ok, f"not OK: {what}", "OK") if applies(case) else None

    return check


def last_status_can_be_kept(case: Case) -> Verdict:
    calls = case.calls(STATUS)
    asked = case.calls("JobReport.generateForwardDISET")
    kept = case.answered("JobReport.generateForwardDISET", "ok", "operation") and case.writable
    if not calls or not asked or not kept or not str(calls[-1].answer).startswith("s_error"):
        return None
    late = case.collaboration.index(calls[-1]) > case.collaboration.index(asked[-1])
    return _holds(
        not late, "reported while it can still go into the request", f"reported last, refused: {calls[-1].args[0]}"
    )


def right_files(case: Case) -> Verdict:
    data = case.scenario.workflow_commons.get("InputData")
    if not isinstance(data, str) or not case.scripted or case.scenario.workflow_commons.get("ParametricInputData"):
        return None
    inputs = [part.removeprefix("LFN:") for part in data.split(";") if part.removeprefix("LFN:")]
    given = [call.args[1] for call in case.calls("FileReport.setFileStatus")]
    if not given or data.startswith("LFN:LFN:"):
        return None
    return _holds(set(given) <= set(inputs), {"of": inputs}, {"of": given})


def stale_file(case: Case) -> Verdict:
    name = case.request_file
    if case.scenario.files.get(name) != "old" or case.pending:
        return None
    return _holds(name not in case.outcome.files, "no file: nothing is pending", f"{name} of an earlier run")


def unknown_files(case: Case) -> Verdict:
    looked_up = any(step.method == "getTransformationFiles" for step in case.collaboration)
    kept = any(item[0] == "SetFileStatus" for item in case.pending)
    if case.scripted or case.scenario.server_files or not looked_up or kept:
        return None
    return _holds(not case.ok, "not OK: the files' statuses reached nobody", "OK")


def parameters(case: Case) -> Verdict:
    if case.scripted or not case.scenario.unsent_parameters or not case.job:
        return None
    left = case.outcome.attributes.get("JobReport", {}).get("jobParameters", [])
    kept = any("setJobParameters" in str(item) for item in case.written)
    return _holds(not left or kept or not case.ok, "sent, in the file, or not OK", left)


def twice(case: Case) -> Verdict:
    if case.scenario.executions == 1 or not case.pending:
        return None
    kinds = [item[0] for item in case.pending]
    return _holds(kinds.count("SetFileStatus") <= 1, "one SetFileStatus", kinds)
