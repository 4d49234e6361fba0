"""Loggers with DIRAC's levels and call shapes, on the standard library's."""

import logging
import sys

import pytest

from dirac_failover import ReqClient, log, workflow
from dirac_failover.actors import job_wrapper
from dirac_failover.clients import data_store, transformation
from dirac_failover.log import Logger, gLogger

LEVELS = {
    "debug": 10, "verbose": 15, "info": 20, "warn": 30, "notice": 35,
    "error": 40, "always": 45, "fatal": 50, "exception": 40,
}  # fmt: skip


@pytest.fixture(autouse=True)
def shown(caplog):
    """Every level is shown."""
    caplog.set_level(10, "dirac_failover")


def test_level_numbers_are_diracs():
    for name, level in (("VERBOSE", 15), ("NOTICE", 35), ("ALWAYS", 45)):
        assert getattr(log, name) == level
        assert (logging.getLevelNamesMapping()[name], logging.getLevelName(level)) == (level, name)


@pytest.mark.parametrize("method", LEVELS)
def test_each_method_logs_at_its_level_a_fixed_text_and_a_variable_one(caplog, monkeypatch, method):
    level = LEVELS[method]
    monkeypatch.setattr(logging, "_srcfile", logging.addLevelName.__code__.co_filename)  # DIRAC switches callers off
    for variable, text in (("why", "50% why"), (5, "50% 5"), (None, "50% None"), ("", "50%"), ([], "50% []")):
        caplog.clear()
        caplog.set_level(level, "dirac_failover")
        assert getattr(gLogger, method)("50%", variable) is True
        (record,) = caplog.records
        assert (record.levelno, record.getMessage(), record.name) == (level, text, "dirac_failover")
        assert record.funcName == "test_each_method_logs_at_its_level_a_fixed_text_and_a_variable_one"
        caplog.set_level(level + 1, "dirac_failover")
        assert getattr(gLogger, method)("50%", variable) is False
        assert len(caplog.records) == 1


def test_arguments_have_diracs_names(caplog):
    gLogger.info(sMsg=ValueError("bye"), sVarMsg={"a": 1})
    gLogger.exception(sMsg="a", sVarMsg="b", lException=ValueError("c"))
    assert caplog.messages == ["bye {'a': 1}", "a b c"]


def test_exceptions_are_logged_with_their_traceback(caplog):
    try:
        int("x")
    except ValueError:
        info = sys.exc_info()
        gLogger.exception()
        gLogger.error("no")
    assert (caplog.records[0].exc_info, caplog.messages[0]) == (info, "")
    assert not caplog.records[1].exc_info


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("m", "v", False), "m v"), (("m", "v", None), "m v"), (("m", "v", "e"), "m v e"), (("m", "", "e"), "m e"),
        (("m", "", ""), "m"), (("m", "v", 0), "m v 0"),
    ],
)  # fmt: skip
def test_an_exception_may_be_given_to_the_log(caplog, arguments, text):
    gLogger.exception(*arguments)
    assert caplog.messages == [text]


def test_sub_loggers_are_below_the_one_that_names_them(caplog):
    sub = gLogger.getSubLogger("Module").getSubLogger(subName="part")
    assert isinstance(sub, Logger)
    sub.info("x")
    assert [record.name for record in caplog.records] == ["dirac_failover.Module.part"]


def test_the_library_configures_nothing(caplog):
    """It has one handler, which does nothing, so that nothing is printed unless the application wants it."""
    caplog.set_level(logging.NOTSET, "dirac_failover")
    root = logging.getLogger("dirac_failover")
    assert [type(handler) for handler in root.handlers] == [logging.NullHandler]
    assert root.propagate
    assert Logger()._logger is root


def test_clients_log_under_their_names():
    loggers = [data_store._log, transformation._log, ReqClient().log, workflow._log, job_wrapper._log]
    names = ["DataStoreClient", "TransformationClient", "ReqClient", "Workflow", "JobWrapper"]
    assert [found._logger.name for found in loggers] == [f"dirac_failover.{name}" for name in names]
