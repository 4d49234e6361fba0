"""FailoverRequest: which calls it makes, in which order, and what becomes of their answers, on each implementation."""

import inspect

import pytest

from tests.doubles import FAILED, WELL, Spy

FINISHED = "Job Finished Successfully"
ENDED = "Workflow successful, end of FailoverRequest module execution."
GAVE_UP = "Workflow failed, FailoverRequest module completed"
END_WELL = [
    ("jobs.setApplicationStatus", FINISHED, True),
    ("jobs.generateForwardDISET",),
    ("jobs.setApplicationStatus", ENDED, True),
]


class Job:
    """A module at the end of a job, with spies around it: ``run()`` executes it."""

    def __init__(self, implementation, inputs="", files=None, jobs=None, **attributes):
        self.calls = []
        self.files = Spy(self.calls, "files.", **{"getFiles": {}, **(files or {})})
        self.jobs = Spy(self.calls, "jobs.", **(jobs or {}))
        with implementation.connect(lambda *_, **__: None, owner="alice", group="vo_user"):
            self.request = implementation.Request()
        self.module = implementation.FailoverRequest()
        self.module.STEP_NUMBER = "3"
        self.module.workflowStatus = self.module.stepStatus = WELL
        self.module.workflow_commons = {
            "PRODUCTION_ID": "00000012", "JOB_ID": "00000034", "InputData": inputs,
            "FileReport": self.files, "JobReport": self.jobs, "Request": self.request,
        }  # fmt: skip
        self.module.step_commons = {"STEP_INSTANCE_NAME": "failover"}
        for name, value in attributes.items():
            setattr(self.module, name, value)

    def run(self):
        return self.module.execute()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """An empty directory, and the job 77."""
    monkeypatch.setenv("JOBID", "77")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def job(implementation):
    """Make a job: see :class:`Job`."""
    return lambda *args, **kwargs: Job(implementation, *args, **kwargs)


@pytest.fixture
def operation(implementation):
    """An operation as fail-over makes one."""
    made = implementation.Operation()
    made.Type, made.Arguments = "SetFileStatus", "pending"
    return made


def unsent(answer):
    """A file report whose statuses no service takes; its second try answers so."""
    return {"commit": FAILED, "generateForwardDISET": answer}


def test_it_is_a_module_with_arguments_of_none(implementation, reference):
    """The workflow creates it without arguments, and it adds no attribute to its base."""
    assert issubclass(implementation.FailoverRequest, implementation.ModuleBase)
    assert str(inspect.signature(implementation.FailoverRequest)).partition(" -> ")[0] == "()"
    assert list(vars(implementation.FailoverRequest())) == list(vars(implementation.ModuleBase()))
    for name in ("_resolveInputVariables", "_initialize", "_execute", "_finalize"):
        assert str(inspect.signature(getattr(implementation.FailoverRequest, name))).partition(" -> ")[0] == "(self)"
    assert reference.FailoverRequest().log._logger.name == "dirac_failover.FailoverRequest"


def test_inputs_without_a_status_are_processed_as_the_second_answer_about_them_says(job):
    mine = job("/vo/a;/vo/b;/vo/c", files={"getFiles": [{"/vo/a": "x"}, {"/vo/b": "Problematic"}]})
    mine.run()
    assert mine.calls == [
        ("files.getFiles",), ("files.getFiles",),
        ("files.setFileStatus", 12, "/vo/a", "Processed"), ("files.setFileStatus", 12, "/vo/c", "Processed"),
        ("files.commit",), *END_WELL,
    ]  # fmt: skip
    assert mine.files.force is False


def test_without_a_job_it_does_nothing(job, monkeypatch):
    monkeypatch.setenv("JOBID", "0")
    mine = job("/vo/a")
    assert mine.run()["Value"].args == ("Skipping FailoverRequest module",)
    assert (mine.calls, mine.request.RequestName) == ([], None)


@pytest.mark.parametrize("name", ["workflowStatus", "stepStatus"])
def test_inputs_are_unused_by_force_after_a_failure(job, operation, name, tmp_path):
    """The files are asked for once; nothing is reported and no file is written; the module fails, too.

    The region "answers" of the space has each answer of each collaborator.
    """
    mine = job("/vo/a;/vo/b", files={"getFiles": {"/vo/b": "Problematic"}}, **{name: FAILED})
    mine.request.addOperation(operation)
    result = mine.run()
    assert (result["OK"], result["Errno"]) == (False, 0)
    assert (type(result["Message"]), result["Message"].args) == (RuntimeError, (GAVE_UP,))
    assert mine.calls == [("files.getFiles",), ("files.setFileStatus", 12, "/vo/a", "Unused"), ("files.commit",)]
    assert mine.files.force is True
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_failure_is_not_logged_again(reference):
    mine = Job(reference, workflowStatus=FAILED)
    mine.module.log = Spy(logged := [])
    mine.run()
    assert [call[0] for call in logged] == ["verbose", "error", "info"]


def test_an_operation_that_counts_as_false_joins_as_well(job, mocker):
    """Only None does not: an operation without files has the length 0."""
    mine = job(files=unsent({"OK": True, "Value": ""}))
    add = mocker.patch.object(mine.request, "addOperation")
    assert mine.run()["OK"] is True
    add.assert_called_once_with("")


def test_a_second_try_that_is_not_ok_fails_the_module(job):
    """The Value that it lacks does it, and not its Message; one that has a Value goes unnoticed."""
    mine = job(files=unsent(FAILED))
    result = mine.run()
    assert (result["OK"], type(result["Message"]), result["Message"].args) == (False, KeyError, ("Value",))
    assert mine.calls[-1] == ("jobs.setApplicationStatus", "'Value'", True)
    mine = job(files=unsent({"OK": False, "Value": 5}))
    assert mine.run()["OK"] is True
    assert len(mine.request) == 0
