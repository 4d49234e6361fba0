"""Loggers with DIRAC's levels and call shapes, on the standard library's."""

import logging
import sys

import pytest

from dirac_failover import log
from dirac_failover.log import Logger, gLogger

LEVELS = {
    "debug": 10, "verbose": 15, "info": 20, "warn": 30, "notice": 35,
    "error": 40, "always": 45, "fatal": 50, "exception": 40,
}  # fmt: skip


def test_level_numbers_are_diracs():
    assert (log.VERBOSE, log.NOTICE, log.ALWAYS) == (15, 35, 45)
    names = logging.getLevelNamesMapping()
    for name, level in (("VERBOSE", 15), ("NOTICE", 35), ("ALWAYS", 45)):
        assert (names[name], logging.getLevelName(level)) == (level, name)


@pytest.mark.parametrize("method", LEVELS)
def test_each_method_logs_at_its_level(caplog, monkeypatch, method):
    level = LEVELS[method]
    monkeypatch.setattr(logging, "_srcfile", logging.addLevelName.__code__.co_filename)  # DIRAC switches callers off
    with caplog.at_level(level, "dirac_failover"):
        assert getattr(gLogger, method)("fixed") is True
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (level, "fixed")
    assert (record.name, record.funcName) == ("dirac_failover", "test_each_method_logs_at_its_level")


@pytest.mark.parametrize("method", LEVELS)
def test_what_is_below_the_level_is_not_shown(caplog, method):
    with caplog.at_level(LEVELS[method] + 1, "dirac_failover"):
        assert getattr(gLogger, method)("fixed", "variable") is False
    assert caplog.records == []


@pytest.mark.parametrize("method", LEVELS)
@pytest.mark.parametrize(
    ("variable", "text"), [("why", "50% why"), (5, "50% 5"), (None, "50% None"), ("", "50%"), ([], "50% []")]
)
def test_a_variable_text_follows_the_fixed_one(caplog, method, variable, text):
    with caplog.at_level(10, "dirac_failover"):
        getattr(gLogger, method)("50%", variable)
    assert caplog.messages == [text]


def test_arguments_have_diracs_names(caplog):
    with caplog.at_level(10, "dirac_failover"):
        gLogger.info(sMsg=ValueError("bye"), sVarMsg={"a": 1})
        gLogger.exception(sMsg="a", sVarMsg="b", lException=ValueError("c"))
    assert caplog.messages == ["bye {'a': 1}", "a b c"]


def test_exceptions_are_logged_with_their_traceback(caplog):
    with caplog.at_level(10, "dirac_failover"):
        try:
            int("x")
        except ValueError:
            info = sys.exc_info()
            gLogger.exception()
            gLogger.error("no")
    assert caplog.records[0].exc_info == info
    assert caplog.records[0].getMessage() == ""
    assert not caplog.records[1].exc_info


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("m", "v", False), "m v"), (("m", "v", None), "m v"), (("m", "v", "e"), "m v e"), (("m", "", "e"), "m e"),
        (("m", "", ""), "m"), (("m", "v", 0), "m v 0"),
    ],
)  # fmt: skip
def test_an_exception_may_be_given_to_the_log(caplog, arguments, text):
    with caplog.at_level(10, "dirac_failover"):
        gLogger.exception(*arguments)
    assert caplog.messages == [text]


def test_sub_loggers_are_below_the_one_that_names_them(caplog):
    sub = gLogger.getSubLogger("Module").getSubLogger("part")
    assert isinstance(sub, Logger)
    with caplog.at_level(20, "dirac_failover"):
        sub.info("x")
    assert [record.name for record in caplog.records] == ["dirac_failover.Module.part"]
    assert gLogger.getSubLogger(subName="Module")._logger is logging.getLogger("dirac_failover.Module")


def test_the_library_configures_nothing():
    """It has one handler, which does nothing, so that nothing is printed unless the application wants it."""
    root = logging.getLogger("dirac_failover")
    assert [type(handler) for handler in root.handlers] == [logging.NullHandler]
    assert (root.level, root.propagate) == (logging.NOTSET, True)
    assert Logger()._logger is root
