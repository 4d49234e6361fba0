"""Where the reference's clients say what went wrong: each under its own name, with what the service said."""

import logging

import pytest


class BaseAccountingType:
    """The name counts."""


class Record(BaseAccountingType):
    """An accounting record."""

    def checkValues(self):
        return {"OK": True, "Value": None}

    def getValues(self):
        return [1]


def report_status(implementation):
    report = implementation.JobReport(77)
    report.setApplicationStatus("x", sendFlag=False)
    return report


def commit_record(implementation):
    client = implementation.DataStoreClient()
    client.addRegister(Record())
    client.commit()


def put_request(implementation):
    operation = implementation.Operation()
    operation.Type, operation.Arguments = "ForwardDISET", b"x"
    request = implementation.Request()
    request.RequestName = "n"
    request.addOperation(operation)
    implementation.ReqClient().putRequest(request)


@pytest.mark.parametrize(
    ("name", "level", "act"),
    [
        ("JobReport", logging.WARNING, lambda implementation: report_status(implementation).commit()),
        ("JobReport", logging.ERROR, lambda implementation: report_status(implementation).generateForwardDISET()),
        (
            "JobReport",
            logging.WARNING,
            lambda implementation: implementation.JobReport(77).setJobParameter("down", float("nan")),
        ),
        ("DataStoreClient", logging.WARNING, commit_record),
        ("ReqClient", logging.WARNING, put_request),
        ("ReqClient", logging.ERROR, lambda implementation: implementation.ReqClient().getRequest()),
    ],
)
def test_failures_are_logged(reference, caplog, name, level, act):
    def refuse(service, method, args, **_):
        return {"OK": False, "Message": "down", "rpcStub": ((service, {}), method, list(args))}

    caplog.set_level(logging.DEBUG, "dirac_failover")
    with reference.connect(refuse, owner="alice", group="vo_user", sleep=lambda _: None):
        act(reference)
    assert (f"dirac_failover.{name}", level) in [
        (record.name, record.levelno) for record in caplog.records if "down" in record.message
    ]


def test_tries_to_look_files_up_are_counted(reference, caplog):
    answer = {"OK": True, "Value": '{"OK": false, "Message": "down"}'}
    caplog.set_level(logging.DEBUG, "dirac_failover")
    with reference.connect(lambda *_, **__: answer):
        reference.TransformationClient().getTransformationFiles({"LFN": "/a"})
    assert {record.name for record in caplog.records} == {"dirac_failover.TransformationClient"}
    assert [record.message[-18:] for record in caplog.records] == [
        f"(try {number} of 5): down" for number in range(1, 6)
    ]


@pytest.mark.parametrize(("proxies", "warned"), [("", True), ("https://proxy:1/RequestManagement/ReqProxy", False)])
def test_that_there_is_no_proxy_is_said(reference, caplog, proxies, warned):
    caplog.set_level(logging.DEBUG, "dirac_failover")
    with reference.connect(lambda *_, **__: {}, options={"RequestManagement/ReqProxyURLs": proxies}):
        assert list(reference.ReqClient().requestProxies()) == ([] if warned else [proxies])
    assert any("RequestManagement/ReqProxyURLs" in record.message for record in caplog.records) is warned
