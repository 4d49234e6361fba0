from __future__ import annotations

from itertools import pairwise

import pytest

from dirac_failover.spec.duties import (
    Act,
    Due,
    DueKind,
    Owed,
    Taken,
    call_of,
    ends_jobs,
    executable,
    inputs_of,
    judge,
    number,
    of_file,
    of_operation,
    of_parameter,
    of_record,
    of_update,
)

JOB_STATE = "WorkloadManagement/JobStateUpdate"
SERVICES = {JOB_STATE: {"setJobSite"}, "Accounting/DataStore": set()}
RECORD_ = ["Job", "2026-01-01 11:00:00.250000", "2026-01-01 11:59:00", ["alice", 59]]
STORED = ["Job", 1767265200, 1767268740, ["alice", 59]]
A = "/vo/a"


def snapshot(files=None, updates=(), parameters=None, records=(), requests=(), **shows):
    """The services with transformation 12 and job 77, as a world has them."""
    idem = dict.fromkeys(("Status", "MinorStatus", "ApplicationStatus"), "idem")
    rows = [{**idem, "StatusTime": time, "StatusSource": "Job_77", **update} for time, update in updates]
    job = {"Status": "Running", "MinorStatus": "m", "ApplicationStatus": "a", **shows}
    named = {str(i): {"LFN": lfn, "Status": status} for i, (lfn, status) in enumerate((files or {}).items())}
    return {
        "job-state": {"jobs": {"77": job}, "history": {"77": rows}, "parameters": {"77": parameters or {}}},
        "transformation": {"files": {"12": named}},
        "accounting": {"records": list(records)},
        "requests": {"requests": dict.fromkeys(requests, None)},
    }


def operation(kind="RemoveFile", decoded=None, *lfns, **fields):
    """An operation in DIRAC's JSON form, with its arguments decoded."""
    own = dict.fromkeys(("Arguments", "SourceSE", "TargetSE", "Catalog"))
    return {"Type": kind, "decoded": decoded, **own, "Files": [{"LFN": lfn} for lfn in lfns], "Status": "Done"} | fields


def judged(*taken, before=None, after=None, more=(), requests=None, **owed):
    """What is not empty of the verdict on the job J."""
    before = before or snapshot()
    after = after or before
    acts = [Act("somebody", snapshot(), snapshot()), Act("J", before, after), *more]
    gaps = [Act(None, one.after, other.before) for one, other in pairwise(acts)]
    acts = [act for pair in zip(acts, [*gaps, Act(None, {}, {})], strict=True) for act in pair]
    listed = [item if isinstance(item, Taken) else Taken(item) for item in taken]
    verdict = judge("J", Owed(listed, **owed), acts, acts[-2].after, requests or {}, SERVICES)
    found = {name: dues for name, dues in verdict._asdict().items() if dues}
    assert verdict.converged is (found.keys() <= {"kept"})
    return found


# What is due


@pytest.mark.parametrize(("commons", "attributes", "inputs"), [
    ({}, {}, ()), ({"PRODUCTION_ID": "00000012", "InputData": "LFN:/a; /b;;"}, {}, (("12", "/a"), ("12", "/b"))),
    ({"PRODUCTION_ID": 12, "InputData": ["LFN:/a.L"]}, {"production_id": 5}, (("5", "/a.L"),)),
    ({"PRODUCTION_ID": "x", "InputData": "/a", "ParametricInputData": ("/p",)}, {"production_id": 0}, (("x", "/p"),)),
    ({"PRODUCTION_ID": "1", "InputData": 7}, {}, ()),
])  # fmt: skip
def test_inputs_are_what_the_workflow_says(commons, attributes, inputs):
    """With their prefix removed, which is a prefix; parametric ones take the place of others."""
    assert inputs_of(commons, attributes) == inputs


def test_a_failover_request_is_known_by_its_name():
    """Whosever it is."""
    theirs = type("FailoverRequest", (), {})
    assert ends_jobs(theirs)
    assert ends_jobs(type("Mine", (theirs,), {}))
    assert not ends_jobs(type("MyFailoverRequest", (), {}))


def test_numbers_are_texts_without_zeros_before_them():
    """What is no number is left as it is."""
    assert [*map(number, ("00000012", 12, " 7 ", "x9", None))] == ["12", "12", "7", "x9", "None"]


def test_times_of_records_count_to_the_second_and_floats_to_twelve_digits():
    """So much survives the way through DEncode, and into the accounting."""
    assert of_record(RECORD_) == of_record(STORED)
    assert of_record(["Job", 20260101, 0, [1.1e-10]]) == of_record(["Job", 20260101, 0, (1.1000000000000001e-10,)])
    assert of_record(["Job", 20260101, 0, [1.1]]) != of_record(["Job", 20260101, 0, [1.2]])
    assert of_record(["Job", 0, 0, {"a": 1.0, "b": 2}]) == of_record(["Job", 0, 0, {"b": 2, "a": 1.0}])
    assert len({of_record(record) for record in (["Job", 1, 2, []], ["Job", 1, 3, []], ["J", 1, 2, []])}) == 3
    assert of_record(["Job", 0, 0, [object]]) == of_record(["Job", 0, 0, [str(object)]])
    assert of_record(["Job", "never", 0, {"a": 1}]) != of_record(["Job", "once", 0, {"a": 1}])
    assert of_record(None) == (Due(DueKind.RECORD, ("null",)),)


def test_an_operation_that_reports_promises_what_it_reports():
    """Statuses of files and of jobs, parameters, and records."""
    statuses = {"transformation": "12", "statusDict": {"/a": "Unused", "/b": "Processed"}, "force": True}
    assert of_operation(operation("SetFileStatus", statuses)) == (
        Due(DueKind.FILE, ("12", "/a"), "Unused", force=True),
        Due(DueKind.FILE, ("12", "/b"), "Processed", force=True),
    )
    update = {"T": {"Source": "Job_77", "MinorStatus": "m", "ApplicationStatus": "a"}, "U": None}
    bulk = [[f"dips://x:9/{JOB_STATE}", {}], "setJobStatusBulk", [77, update, False]]
    expected = (
        Due(DueKind.STATUS, ("77", "T", "MinorStatus"), "m"),
        Due(DueKind.STATUS, ("77", "T", "ApplicationStatus"), "a"),
    )
    assert of_operation(operation("ForwardDISET", bulk)) == expected
    diracx = {"dCls": "JobStateUpdateClient", "dMod": "x", "dMeth": "setJobStatusBulk", "args": [77, update]}
    assert of_operation(operation("ForwardDISET", diracx)) == expected
    pairs = [[JOB_STATE, {}], "setJobParameters", [77, [["Events", "5"], ["x", None]]]]
    assert of_operation(operation("ForwardDISET", pairs)) == (
        Due(DueKind.PARAMETER, ("77", "Events"), '"5"'),
        Due(DueKind.PARAMETER, ("77", "x"), "null"),
    )
    records = [["Accounting/DataStore", {}], "commitRegisters", [[RECORD_, RECORD_]]]
    assert of_operation(operation("ForwardDISET", records)) == of_record(STORED) * 2


@pytest.mark.parametrize(("kind", "decoded", "call"), [
    ("SetFileStatus", None, ""), ("SetFileStatus", {"statusDict": []}, ""),
    ("SetFileStatus", {"statusDict": {}}, ""), ("RemoveFile", {"statusDict": {"/a": "Unused"}}, ""),
    ("ForwardDISET", None, ""), ("ForwardDISET", "text", ""),
    ("ForwardDISET", [[JOB_STATE, {}], "setJobParameters", [7, [["a", "b", "c"]]]], f"{JOB_STATE}.setJobParameters"),
    ("ForwardDISET", [["A/B", {}], "go", []], "A/B.go"),
    ("ForwardDISET", [[JOB_STATE, {}], "setJobParameters", [7, ["ab"]]], f"{JOB_STATE}.setJobParameters"),
    ("ForwardDISET", [[JOB_STATE, {}], "setJobStatusBulk", [7]], f"{JOB_STATE}.setJobStatusBulk"),
    ("ForwardDISET", {"dCls": "Other", "dMeth": "go", "args": []}, "Other.go"), (None, None, ""),
])  # fmt: skip
def test_any_other_operation_promises_that_it_is_executed(kind, decoded, call):
    """With all that it is; of several files, for each."""
    assert of_operation(operation(kind, decoded))[0].of[1:5] == ("", "", "", "")
    (due,) = of_operation(operation(kind, decoded, Arguments="x", TargetSE="SE", Catalog="b,a"))
    assert due == Due(DueKind.OPERATION, (kind or "", "x", "", "SE", "a,b", "", "", "", "", ""), call)
    files = [{"LFN": "/a", "PFN": "p", "Checksum": "c", "ChecksumType": "t", "GUID": "g"}, {"LFN": "/b"}]
    first, second = of_operation(operation(Files=files))
    assert first.of[5:] == ("/a", "p", "t", "c", "g")
    assert second.of[5:] == ("/b", "", "", "", "")


@pytest.mark.parametrize(("kind", "decoded", "expected"), [
    ("SetFileStatus", None, True), ("RemoveFile", None, False), (None, None, False), ("ForwardDISET", None, True),
    ("ForwardDISET", [[JOB_STATE, {}], "setJobStatus", []], True),
    ("ForwardDISET", [[JOB_STATE, {}], "setJobSite", []], False),
    ("ForwardDISET", [["No/One", {}], "x", []], False),
])  # fmt: skip
def test_what_can_be_executed_is_known(kind, decoded, expected):
    """Statuses of files, and calls of services that are here; what cannot be decoded is tried, and fails."""
    assert executable(operation(kind, decoded), SERVICES) is expected
    assert call_of(operation("RemoveFile", [["A/B", {}], "x", []])) is None


# What became of it


def test_statuses_of_files_arrive():
    """The last one counts; one that the service keeps instead was taken; with force it keeps none."""
    assert judged(
        of_file(12, A, "Unused", False), of_file(12, A, "Processed", False), after=snapshot({A: "Processed"})
    ) == {"kept": [*of_file(12, A, "Processed", False)]}
    for wanted, force, there, end in (
        ("Processed", False, "Assigned", "lost"),
        ("Problematic", False, "Processed", "kept"),
        ("Problematic", True, "Processed", "lost"),
        ("Unused", False, "MaxReset", "kept"),
        ("Processed", False, "MaxReset", "lost"),
    ):
        due = of_file(12, A, wanted, force)
        assert judged(due, before=snapshot({A: there})) == {end: [*due]}
    assert judged(of_file(12, "/none", "Processed", False)) == {"lost": [*of_file(12, "/none", "Processed", False)]}


def test_what_others_make_of_a_file_later_does_not_matter():
    """The effect of the job's own request does matter."""
    assigned, unused, problematic = (snapshot({A: status}) for status in ("Assigned", "Unused", "Problematic"))
    due = of_file(12, A, "Problematic", False)
    others, again, kept = Act("other", problematic, unused), Act("J", unused, unused), {"kept": [*due]}
    assert judged(due, before=assigned, after=problematic, more=(others,)) == kept
    assert judged(due, before=assigned, more=(Act("other", assigned, problematic),)) == kept
    assert judged(due, before=assigned, after=problematic, more=(others, again)) == kept
    assert judged(due, before=problematic, more=(others, again)) == kept  # it had it already
    handed = snapshot({A: "Problematic"}, requests=("1",))
    own = Act("1", handed, snapshot({A: "Unused"}, requests=("1",)))
    assert judged(due, before=assigned, after=handed, more=(own,)) == {"lost": [*due]}


def test_parameters_arrive():
    """By their last value."""
    first, last = of_parameter(77, "p", "1"), of_parameter(77, "p", 2)
    assert judged(first, last, after=snapshot(parameters={"p": 2, "q": 1})) == {"kept": [*last]}
    assert judged(last, first, after=snapshot(parameters={"p": 2})) == {"lost": [*first]}


def test_updates_of_jobs_arrive_once():
    """Two that are equal and of one instant are one; any other counts, and one that comes again is told."""
    due = of_update(77, "T", {"ApplicationStatus": "x"})
    update = "T", {"ApplicationStatus": "x"}
    one, two = (snapshot(updates=(update,) * times, ApplicationStatus="x") for times in (1, 2))
    assert judged(due) == {"lost": [*due]}
    assert judged(due, after=one) == {"kept": [*due]}
    assert judged(due, before=one) == {"lost": [*due]}  # it was there before
    assert judged(due, after=two) == {"twice": [*due]}
    assert judged(due, due, after=one) == judged(due, due, after=two) == {"kept": [*due]}
    other = of_update(77, "T", {"ApplicationStatus": "y"})
    assert judged(other, due, after=one) == {"kept": [*due], "lost": [*other]}
    assert judged(due, other, after=two) == {"twice": [*due], "lost": [*other]}
    assert judged(due, after=one, more=(Act("other", one, two),)) == {"kept": [*due]}
    assert judged(Taken(due, operation=True), after=one) == {"kept": [*due]}
    assert judged(Taken(due, operation=True), after=two) == {"twice": [*due]}
    assert judged(due, Taken(due, operation=True), Taken(due, operation=True, laid_out=True), after=two) == {
        "twice": [*due]
    }


def test_a_job_shows_its_last_update_or_a_later_one():
    """Unless an older one has overtaken it, or it came too late."""
    said = {time: of_update(77, time, {"ApplicationStatus": time, "MinorStatus": "m"}) for time in ("T1", "T2")}
    rows = tuple((time, {"ApplicationStatus": time, "MinorStatus": "m"}) for time in ("T1", "T2", "T3"))
    kept = [*said["T1"], *said["T2"]]
    lost = [Due(DueKind.SHOWN, ("77", "ApplicationStatus"), "T2")]
    for order in (("T1", "T2"), ("T2", "T1")):
        taken = [said[time] for time in order]
        for shown, verdict in (("T2", {}), ("T3", {}), ("T1", {"lost": lost}), ("a", {"lost": lost})):
            found = judged(*taken, after=snapshot(updates=rows, ApplicationStatus=shown))
            assert sorted(found.pop("kept")) == sorted(kept)
            assert found == verdict


def test_what_a_job_shows_is_judged_by_its_own_updates():
    """Not by what others say later, nor by another field; of one millisecond, any of them may be shown."""
    first, last = (of_update(77, "T", {"ApplicationStatus": text}) for text in ("y", "x"))
    rows = ("T", {"ApplicationStatus": "y"}), ("T", {"ApplicationStatus": "x"}), ("U", {"MinorStatus": "y"})
    shows_x, shows_y = (snapshot(updates=rows, ApplicationStatus=text) for text in "xy")
    kept = {"kept": [*first, *last]}
    assert judged(first, last, after=shows_x) == kept
    assert judged(first, last, after=shows_y) == kept
    assert judged(first, last, after=shows_x, more=(Act("other", shows_x, shows_y),)) == kept
    assert judged(first, last, after=shows_y, more=(Act("other", shows_y, shows_x),)) == kept
    lost = {"lost": [Due(DueKind.SHOWN, ("77", "ApplicationStatus"), "x")]}
    assert judged(first, last, after=snapshot(updates=rows, ApplicationStatus="a")) == kept | lost  # it was said last
    for time, found in (("00.0019", {}), ("00.002", lost), ("01", lost)):
        times = ("2026-01-01 12:00:00.001", f"2026-01-01 12:00:{time}")
        told = [of_update(77, at, {"ApplicationStatus": text}) for at, text in zip(times, "yx", strict=True)]
        rows = tuple((at, {"ApplicationStatus": text}) for at, text in zip(times, "yx", strict=True))
        after = snapshot(updates=rows, ApplicationStatus="y")
        assert judged(*told, after=after) == {"kept": [due for dues in told for due in dues], **found}


def test_a_job_shows_an_update_when_its_own_acts_end_or_in_the_end():
    """A text of another field, or of somebody else, does not stand for it."""
    due = of_update(77, "T", {"ApplicationStatus": "x"})
    rows = ("T", {"ApplicationStatus": "x"}), ("U", {"MinorStatus": "m"})
    x, m = (snapshot(updates=rows, ApplicationStatus=text) for text in "xm")
    z = snapshot(updates=(*rows, ("V", {"ApplicationStatus": "z"})), ApplicationStatus="z")
    lost = {"lost": [Due(DueKind.SHOWN, ("77", "ApplicationStatus"), "x")]}
    assert judged(due, after=m) == {"kept": [*due], **lost}
    for after, later in ((x, z), (m, x)):
        assert judged(due, after=after, more=(Act("other", after, later),)) == {"kept": [*due]}


def test_a_state_that_was_taken_away_unseen_is_none():
    """Nothing is known of the act that took it away."""
    due, there = of_file(12, A, "Unused", False), snapshot({A: "Unused"})
    (kept, *others) = judge("J", Owed([Taken(due)]), [Act("J", snapshot(), there)], snapshot(), {}, SERVICES)
    assert kept == [*due]
    assert not any(others)


def test_what_the_state_machine_refuses_is_kept():
    """The service took it, and decides for itself whether the job shows it."""
    update = {"Status": "Waiting", "MinorStatus": "x", "ApplicationStatus": "y"}
    dues = of_update(77, "T", update)
    refused = {**update, "Status": "Running", "StatusSource": "Job_77(SM)"}
    assert judged(dues, after=snapshot(updates=(("T", refused),))) == {"kept": [*dues]}
    assert judged(dues, after=snapshot(updates=(("T", {"Status": "Running"}),))) == {"lost": [*dues]}


def test_records_arrive_as_often_as_they_were_taken():
    """What a module adds to the request repeats them; what was in there before is more."""
    due = of_record(RECORD_)
    added, earlier = Taken(due, operation=True), Taken(due, operation=True, laid_out=True)
    three = snapshot(records=(STORED,) * 3)
    assert judged(Taken(due, laid_out=True), after=snapshot(records=(STORED,))) == {"kept": [*due]}
    assert judged(due, due, after=three) == {"twice": [*due]}
    assert judged(due, due, added, earlier, after=three) == {"kept": [*due] * 3}
    assert judged(due, due, added, added, added, earlier, after=three) == {"kept": [*due] * 3, "lost": [*due]}
    assert judged(due, due, before=snapshot(records=(STORED,)), after=three) == {"kept": [*due] * 2}
    one = snapshot(records=(STORED,))
    assert judged(due, after=one, more=(Act("other", one, three),)) == {"kept": [*due]}
    assert judged(due, more=(Act("other", snapshot(), one),)) == {"lost": [*due]}
    assert judged(due, more=(Act("other", one, one), Act("nobody's", three, three))) == {"twice": [*due] * 2}


def test_operations_are_kept_when_they_were_executed():
    """In a request of the job's own; what nothing here can execute is unchecked, and what waits is not lost."""
    done = operation("ForwardDISET", [[JOB_STATE, {}], "setJobStatus", [77]])
    due = of_operation(done)
    removal = operation("RemoveFile", None, "/x")
    removed = of_operation(removal)
    after = snapshot(requests=("1",))
    for mine, status, request, ends in (
        (True, "Done", "Done", ("kept", "unchecked")),
        (False, "Done", "Done", ("lost", "lost")),
        (True, "Waiting", "Waiting", ("waiting", "waiting")),
        (True, "Queued", "Failed", ("lost", "lost")),
        (True, "Failed", "Failed", ("lost", "lost")),
        (True, "Failed", "Waiting", ("lost", "lost")),
    ):
        operations = [{**item, "Status": status} for item in (done, removal)]
        requests = {"1" if mine else "2": {"Status": request, "Operations": operations}}
        for taken, end in zip((due, removed), ends, strict=True):
            assert judged(Taken(taken, operation=True), after=after, requests=requests) == {end: [*taken]}
            lost = {"lost": [*taken]}  # a request that was there before, or of somebody else, is not the job's own
            assert judged(Taken(taken, operation=True), before=after, requests=requests) == lost
            theirs = (Act("other", snapshot(), after),)
            assert judged(Taken(taken, operation=True), more=theirs, requests=requests) == lost


def test_operations_are_told_apart_by_all_that_they_are():
    """One whose storage element or file is another one was not handed over; equal ones may become one, but not more."""
    owed = operation("ReplicateAndRegister", None, "/x", TargetSE="SE")
    after = snapshot(requests=("1",))

    def verdict(*handed, times=1):
        requests = {"1": {"Status": "Done", "Operations": list(handed)}}
        return judged(*[Taken(of_operation(owed), operation=True)] * times, after=after, requests=requests)

    assert (
        verdict(owed) == verdict(owed, times=2) == verdict(owed, owed, times=2) == {"unchecked": [*of_operation(owed)]}
    )
    assert verdict({**owed, "TargetSE": "other"}) == verdict({**owed, "Files": [{"LFN": "/y"}]}) == verdict()
    assert verdict() == {"lost": [*of_operation(owed)]}
    assert verdict(owed, owed) == {"twice": [*of_operation(owed)]}
    assert verdict({**owed, "Files": [{"LFN": "/y"}, {"LFN": "/x"}]}) == verdict(owed)


def test_what_is_on_its_way_waits():
    """Until its request is done; and a report that arrived by another way is there."""
    statuses = {"transformation": 12, "statusDict": {A: "Unused"}, "force": False}
    held = operation("SetFileStatus", statuses, Status="Waiting")
    (due,) = of_operation(held)
    requests = {"1": {"Status": "Waiting", "Operations": [held]}}
    before, after = snapshot({A: "Assigned"}), snapshot({A: "Assigned"}, requests=("1",))
    assert judged((due,), before=before, after=after, requests=requests) == {"waiting": [due]}
    assert judged((due,), before=before, requests=requests) == {"lost": [due]}
    there = snapshot({A: "Unused"}, requests=("1",))
    assert judged((due,), before=before, after=there, requests=requests) == {"kept": [due]}
    record = of_record(RECORD_)
    stub = [["Accounting/DataStore", {}], "commitRegisters", [[RECORD_]]]
    requests = {"1": {"Status": "Waiting", "Operations": [operation("ForwardDISET", stub, Status="Waiting")]}}
    found = judged(
        record, record, before=before, after={**after, "accounting": {"records": [STORED]}}, requests=requests
    )
    assert found == {"kept": [*record], "waiting": [*record]}


def test_inputs_need_a_report():
    """A change of the status by the job itself will do; where statuses cannot be seen, nothing can be checked."""
    inputs = (("12", A),)
    (due,) = dues = [Due(DueKind.INPUT, ("12", A))]
    before, after = snapshot({A: "Assigned"}), snapshot({A: "Processed"})
    assert judged(inputs=inputs, before=before) == {"lost": dues}
    assert judged(inputs=inputs, before=after) == {"lost": dues}
    assert judged(inputs=inputs, before=before, after=after) == {"kept": dues}
    assert judged(inputs=inputs, before=before, files_unseen=True) == {"unchecked": dues}
    mine, others = of_file(12, A, "Unused", False), of_file(5, A, "Unused", False)
    assert judged(mine, inputs=inputs, before=before) == {"lost": [*mine]}
    assert judged(others, inputs=inputs, before=before) == {"lost": [*others, due]}


def test_what_cannot_be_seen_is_unchecked():
    """By its name."""
    assert judged(unseen=("a", "b")) == {"unchecked": [Due(DueKind.UNSEEN, ("a",)), Due(DueKind.UNSEEN, ("b",))]}
