"""FailoverRequest: which calls it makes, in which order, and what becomes of their answers, on each implementation."""

import inspect
import json

import pytest

WELL = {"OK": True, "Value": None}
FAILED = {"OK": False, "Errno": 0, "Message": "before"}
FINISHED = "Job Finished Successfully"
ENDED = "Workflow successful, end of FailoverRequest module execution."
GAVE_UP = "Workflow failed, FailoverRequest module completed"


class Spy:
    """Stands for a collaborator: remembers calls in a list that is shared, and answers what it is told."""

    def __init__(self, name, calls, **answers):
        self._name, self._calls, self._answers = name, calls, answers
        self.force = False

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*args):
            self._calls.append((f"{self._name}.{method}", *args))
            answer = self._answers.get(method, WELL)
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call


class Job:
    """A module at the end of a job, with spies around it: ``run()`` executes it."""

    def __init__(self, kit, inputs="", files=None, jobs=None, **attributes):
        self.calls = []
        self.files = Spy("files", self.calls, **{"getFiles": {}, **(files or {})})
        self.jobs = Spy("jobs", self.calls, **(jobs or {}))
        with kit.connect(lambda *_, **__: None, owner="alice", group="vo_user"):
            self.request = kit.Request()
        self.module = kit.FailoverRequest()
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
def job(kit):
    """Make a job: see :class:`Job`."""
    return lambda *args, **kwargs: Job(kit, *args, **kwargs)


@pytest.fixture
def operation(kit):
    """An operation as fail-over makes one."""
    made = kit.Operation()
    made.Type, made.Arguments = "SetFileStatus", "pending"
    return made


END_WELL = [
    ("jobs.setApplicationStatus", FINISHED, True),
    ("jobs.generateForwardDISET",),
    ("jobs.setApplicationStatus", ENDED, True),
]


def test_it_is_a_module_with_arguments_of_none(kit):
    """The workflow creates it without arguments, and it adds no attribute to its base."""
    assert issubclass(kit.FailoverRequest, kit.ModuleBase)
    assert str(inspect.signature(kit.FailoverRequest)).partition(" -> ")[0] == "()"
    assert list(vars(kit.FailoverRequest())) == list(vars(kit.ModuleBase()))
    for name in ("_resolveInputVariables", "_initialize", "_execute", "_finalize"):
        assert str(inspect.signature(getattr(kit.FailoverRequest, name))).partition(" -> ")[0] == "(self)"


def test_its_logger_is_named_after_it(reference):
    assert reference.FailoverRequest().log._logger.name == "dirac_failover.FailoverRequest"


def test_without_a_job_it_does_nothing(job, monkeypatch):
    monkeypatch.setenv("JOBID", "0")
    mine = job("/vo/a")
    result = mine.run()
    assert (result["OK"], result["Value"].args) == (True, ("Skipping FailoverRequest module",))
    assert mine.calls == []
    assert (mine.request.RequestName, mine.request.JobID, mine.request.SourceComponent) == (None, 0, None)


def test_it_names_the_request_after_the_job(job):
    mine = job()
    mine.request.RequestName = "other"
    mine.run()
    assert (mine.request.RequestName, mine.request.JobID) == ("job_77_request.xml", 77)
    assert mine.request.SourceComponent == b"Job_77"


def test_the_inputs_of_the_step_are_resolved_too(job):
    mine = job("LFN:/vo/a")
    mine.run()
    assert (mine.module.stepName, mine.module.stepInputData) == ("failover", ["/vo/a"])
    assert mine.module.executable == "Unknown"
    mine = job(step_commons={})
    result = mine.run()
    assert result["Message"].args == ("STEP_INSTANCE_NAME",)


def test_a_job_that_went_well_and_had_no_input(job, tmp_path):
    mine = job()
    result = mine.run()
    assert (result["OK"], result["Value"].args) == (True, (ENDED,))
    assert mine.calls == [("files.getFiles",), ("files.getFiles",), ("files.commit",), *END_WELL]
    assert list(tmp_path.iterdir()) == []


def test_inputs_without_a_status_are_processed(job):
    mine = job("/vo/a;/vo/b;/vo/c", files={"getFiles": {"/vo/b": "Problematic"}})
    mine.run()
    assert mine.calls == [
        ("files.getFiles",), ("files.getFiles",),
        ("files.setFileStatus", 12, "/vo/a", "Processed"), ("files.setFileStatus", 12, "/vo/c", "Processed"),
        ("files.commit",), *END_WELL,
    ]  # fmt: skip
    assert mine.files.force is False


def test_the_second_answer_about_the_files_counts(job):
    mine = job("/vo/a", files={"getFiles": [{"/vo/a": "x"}, {}]})
    mine.run()
    assert ("files.setFileStatus", 12, "/vo/a", "Processed") in mine.calls
    mine = job("/vo/a", files={"getFiles": [{}, {"/vo/a": "x"}]})
    mine.run()
    assert "files.setFileStatus" not in [call[0] for call in mine.calls]


@pytest.mark.parametrize("name", ["workflowStatus", "stepStatus"])
def test_inputs_are_unused_by_force_after_a_failure(job, operation, name, tmp_path):
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
    mine.module.log = Spy("log", logged := [])
    mine.run()
    assert [call[0] for call in logged] == ["log.verbose", "log.error", "log.info"]


def test_force_is_left_alone_when_every_input_has_a_status(job):
    mine = job("/vo/a", files={"getFiles": {"/vo/a": "Problematic"}}, workflowStatus=FAILED)
    mine.run()
    assert mine.files.force is False
    assert mine.calls == [("files.getFiles",), ("files.commit",)]


def test_statuses_that_the_second_try_sends_are_done_with(job):
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": True, "Value": None}})
    assert mine.run()["OK"] is True
    assert mine.calls[2:4] == [("files.commit",), ("files.generateForwardDISET",)]
    assert len(mine.request) == 0


def test_statuses_that_no_try_sends_join_the_request(job, operation, tmp_path):
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": True, "Value": operation}})
    assert mine.run()["OK"] is True
    assert list(mine.request) == [operation]
    (content,) = [json.loads(path.read_text()) for path in tmp_path.iterdir()]
    assert [(item["Type"], item["Arguments"]) for item in content["Operations"]] == [("SetFileStatus", "pending")]
    assert (content["RequestName"], content["JobID"], content["Owner"]) == ("job_77_request.xml", 77, "alice")


def test_an_operation_that_counts_as_false_joins_as_well(job, mocker):
    """Only None does not: an operation without files has the length 0."""
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": True, "Value": ""}})
    add = mocker.patch.object(mine.request, "addOperation")
    assert mine.run()["OK"] is True
    add.assert_called_once_with("")


def test_statuses_join_the_request_after_a_failure_too(job, operation, tmp_path):
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": True, "Value": operation}}, stepStatus=FAILED)
    assert mine.run()["OK"] is False
    assert list(mine.request) == [operation]
    assert list(tmp_path.iterdir()) == []


def test_a_second_try_that_is_not_ok_fails_the_module(job):
    """Not by its Message, but by the Value that it lacks; one that has a Value goes unnoticed."""
    mine = job(files={"commit": FAILED, "generateForwardDISET": FAILED})
    result = mine.run()
    assert (result["OK"], type(result["Message"]), result["Message"].args) == (False, KeyError, ("Value",))
    assert mine.calls[-1] == ("jobs.setApplicationStatus", "'Value'", True)
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": False, "Value": 5}})
    assert mine.run()["OK"] is True
    assert len(mine.request) == 0


def test_accounting_that_is_not_ok_changes_nothing_in_the_result(job):
    mine = job()
    mine.module.workflow_commons["AccountingReport"] = Spy("accounting", mine.calls, commit=FAILED)
    assert mine.run()["OK"] is True
    assert mine.calls[3:] == [*END_WELL[:2], ("accounting.commit",), END_WELL[2]]


@pytest.mark.parametrize("where", ["getFiles", "setFileStatus", "commit"])
def test_what_the_file_report_raises_becomes_the_result(job, where):
    mine = job("/vo/a", files={where: (error := ValueError("boom"))})
    result = mine.run()
    assert (result["OK"], result["Message"]) == (False, error)
    assert mine.calls[-1] == ("jobs.setApplicationStatus", "boom", True)
    assert mine.calls[-2][0] == f"files.{where}"


def test_the_answer_to_a_status_of_a_file_is_not_looked_at(job):
    mine = job("/vo/a", files={"setFileStatus": FAILED})
    assert mine.run()["OK"] is True


def test_an_invalid_request_fails_the_module(job, operation):
    mine = job(files={"commit": FAILED, "generateForwardDISET": {"OK": True, "Value": operation}})
    mine.request.Owner = None
    result = mine.run()
    reason = "Failover request is not valid: Request 'job_77_request.xml' is missing both Owner and OwnerDN value"
    assert (result["OK"], result["Message"].args) == (False, (reason,))
    assert [call[1] for call in mine.calls if call[0] == "jobs.setApplicationStatus"] == [FINISHED, reason]


def test_a_failure_found_at_the_end_counts(kit):
    module = kit.FailoverRequest()
    module.workflowStatus, module.stepStatus = WELL, FAILED
    with pytest.raises(RuntimeError) as caught:
        module._finalize()
    assert caught.value.args == (GAVE_UP,)
