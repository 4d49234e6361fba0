"""The level ``contract``, continued: the values that hooks return, and the methods that modules call by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dirac_failover.spec.clauses.clause import Violation, clause, equal, holds
from dirac_failover.spec.clauses.contract import BASE, can_report
from dirac_failover.spec.facts import ACCOUNTING, JOB_FORWARD, MADE, PARAMETER, STATUS, Facts

if TYPE_CHECKING:
    from dirac_failover.spec.check_context import CheckContext
    from dirac_failover.spec.scenario import Json


@clause(
    "CO-019",
    when=lambda facts: bool(facts.scenario.hooks) and facts.end is not None and can_report(facts),
    source=f"{BASE}.execute",
    reason="A hook says how it went by what it raises; what it returns is not read.",
    harm="A module that works with DIRAC fails, or a module that works with the port hides its failure.",
)  # fmt: skip
def returned_values_are_ignored(case: CheckContext) -> Violation | None:
    """Nothing that a hook returns changes which hooks are called, or how the module ends."""
    end = case.facts.end
    wanted: list[Json] = [end.hook, end.ok] if end else []
    last = [hook for hook in case.hooks if hook != "finalize"][-1:]
    ok = case.ok if end and end.ok is not None else None
    return equal([*wanted, "returned"], [last[0] if last else None, ok, case.outcome.ended])


_DESCRIBED: Final = ("outputDataType", "outputDataSE", "outputDataName")


def _asks_for_files(facts: Facts) -> bool:
    """Return whether the arguments of getCandidateFiles are well-formed."""
    if facts.called != "getCandidateFiles" or facts.named:
        return False
    outputs, lfns, file_mask, step_mask = [*facts.arguments, ""][:4]
    described = isinstance(outputs, list) and all(isinstance(output, dict) for output in outputs)
    return described and isinstance(lfns, list) and _is_mask(file_mask) and _is_mask(step_mask)


def _is_mask(mask: Json) -> bool:
    """Return whether a mask is a text, or a list of texts, in the form in which types and steps are written."""
    if isinstance(mask, int):
        return mask > 0
    texts = mask if isinstance(mask, list) else [mask or ""]
    return all(isinstance(text, str) and text.isalnum() and text.islower() | text.isdigit() for text in texts if text)


def _described(facts: Facts) -> dict[str, str]:
    """Return the type of each output that is described in full, in lower case, by its name."""
    return {
        output["outputDataName"]: output["outputDataType"].lower()
        for output in facts.arguments[0]
        if all(key in output for key in _DESCRIBED)
    }


def _wanted(facts: Facts) -> dict[str, str | None]:
    """Return the LFN of each output that the masks let through, None where there is none, by its name."""
    file_mask, step_mask = [*facts.arguments, ""][2:4]
    lfns = {lfn.rpartition("/")[2]: lfn for lfn in facts.arguments[1]}
    return {
        name: lfns.get(name)
        for name, kind in _described(facts).items()
        if _lets(file_mask, kind) and _lets(step_mask, name.rpartition("_")[2].partition(".")[0])
    }


def _lets(mask: Json, text: str) -> bool:
    return not mask or mask == [""] or text in (mask if isinstance(mask, list) else [str(mask)])


def _can_upload(facts: Facts) -> bool:
    there = _asks_for_files(facts) and _described(facts).keys() <= facts.scenario.files.keys()
    return there and None not in _wanted(facts).values()


@clause(
    "CO-020", when=_can_upload, source=f"{BASE}.getCandidateFiles",
    reason="A module that uploads goes by these names.", harm="Outputs are not uploaded, or are uploaded elsewhere.",
)  # fmt: skip
def candidates_are_found(case: CheckContext) -> Violation | None:
    """The method getCandidateFiles returns the LFN of each output that is described in full and wanted by the masks."""
    found = case.result[0] if isinstance(case.result, list) and case.result else None
    found = found if isinstance(found, dict) else {"returned": found}
    observed = {name: known.get("lfn") if isinstance(known, dict) else known for name, known in found.items()}
    return equal([_wanted(case.facts), "returned"], [observed, case.outcome.ended])


@clause(
    "CO-021",
    when=lambda facts: _asks_for_files(facts) and not _can_upload(facts),
    source=f"{BASE}.getCandidateFiles",
    reason="A module that uploads must not go on without one of its files.",
    harm="A job whose output is missing is a success.",
)  # fmt: skip
def missing_candidates_raise(case: CheckContext) -> Violation | None:
    """The method getCandidateFiles raises when an output is not in the directory, or one to upload has no LFN."""
    return holds(case.outcome.ended == "raised", "an exception", case.result)


def _calls_once(facts: Facts, method: str) -> bool:
    """Return whether a method is called once, with arguments in their order, of a module that knows its health."""
    usual = facts.scripted and facts.answered(f"JobReport.{method}", "ok", "s_error")
    return facts.called == method and not facts.named and facts.health != "unset" and usual


def _report_arguments(facts: Facts, texts: int) -> list[Json]:
    """Return the arguments that the job report gets: the first ``texts`` as texts, and whether to send at once."""
    given = list(facts.arguments)
    return [*map(str, given[:texts]), given[texts] if len(given) > texts else True]


@clause(
    "CO-022", when=lambda facts: _calls_once(facts, "setApplicationStatus"),
    source=f"{BASE}.setApplicationStatus",
    reason="It is how any module says how far it is.", harm="The job looks as if it did nothing.",
)  # fmt: skip
def status_is_reported(case: CheckContext) -> Violation | None:
    """The method setApplicationStatus gives the job report the status as a text, once, if nothing failed before."""
    job = case.scenario.attributes["jobID"]
    wanted = [_report_arguments(case.facts, 1)] if job and case.facts.well else []
    return equal([wanted, "returned"], [[call.args for call in case.calls(STATUS)], case.outcome.ended])


@clause(
    "CO-023", when=lambda facts: _calls_once(facts, "setJobParameter"), source=f"{BASE}.setJobParameter",
    reason="Parameters of a failed job say why it failed.", harm="Parameters such as the CPU time used are lost.",
)  # fmt: skip
def parameter_is_reported(case: CheckContext) -> Violation | None:
    """The method setJobParameter gives the job report name and value as texts, once, even after a failure."""
    wanted = [_report_arguments(case.facts, 2)] if case.scenario.attributes["jobID"] else []
    return equal([wanted, "returned"], [[call.args for call in case.calls(PARAMETER)], case.outcome.ended])


@clause(
    "CO-024",
    when=lambda facts: facts.called == "generateFailoverFile" and facts.plain and facts.valid and facts.disk
        and not facts.refused - {STATUS},
    source=f"{BASE}.generateFailoverFile",
    reason="A module may write the file without being the last one.", harm="Everything that is pending is lost.",
)  # fmt: skip
def file_by_itself(case: CheckContext) -> Violation | None:
    """The method generateFailoverFile asks for unsent statuses, commits the accounting, and writes the request."""
    facts = case.facts
    answered = [MADE[JOB_FORWARD]] if facts.answered(JOB_FORWARD, "operation") else []
    asked = [JOB_FORWARD, *([ACCOUNTING] if facts.accounting else [])]
    owed = [*facts.operations, *answered]
    made = [method for method in asked if case.calls(method)]
    return equal([asked, owed], [made, [item for item in owed if item in case.written]])


@clause(
    "CO-025", when=lambda facts: facts.called == "finalize", source=f"{BASE}.finalize",
    reason="It flushes the logs, and the workflow is not to be disturbed by that.",
    harm="A module that ended well is counted as failed.",
)  # fmt: skip
def finalize_is_there(case: CheckContext) -> Violation | None:
    """The method finalize can be called, and returns."""
    return equal("returned", case.outcome.ended)


@clause(
    "CO-026", when=lambda facts: facts.named and facts.scripted and facts.health != "unset" and facts.plain,
    source=BASE,
    reason="Modules name the parameters that they give.", harm="A module that works with DIRAC dies of a TypeError.",
)  # fmt: skip
def parameters_have_names(case: CheckContext) -> Violation | None:
    """Each method of the documentation takes its parameters by the names that they have there."""
    return equal("returned", case.outcome.ended)
