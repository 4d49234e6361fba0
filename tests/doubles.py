"""Doubles that tests share."""

import io
import time
from datetime import datetime, timedelta

WELL = {"OK": True, "Value": None}
FAILED = {"OK": False, "Errno": 0, "Message": "before"}


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def bare(result):
    """Return a return structure without its call stack, which is never the same."""
    return {key: value for key, value in result.items() if key != "CallStack"}


def eventually(holds, seconds=10):
    """Wait until ``holds()`` is true; return whether it is by then."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


class Clock:
    """What DIRAC's clock says until it is moved, with a fraction that requests cut off."""

    def __init__(self):
        self.now = datetime(2026, 1, 2, 3, 4, 5, 6)

    @property
    def second(self):
        return self.now.replace(microsecond=0)

    def tick(self):
        """Move by a second; return the new time as it is sent."""
        self.now += timedelta(seconds=1)
        return str(self.now)


class Spy:
    """Stand for any collaborator: note each call with its name, and answer as told, else ``S_OK()``.

    An answer is returned, or raised if it is an exception; of a list, each call takes the first and the last one stays.
    """

    def __init__(self, calls=None, name="", **answers):
        self.calls = [] if calls is None else calls
        self.force = False
        self._name, self._answers = name, answers

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*args, **kwargs):
            self.calls.append((f"{self._name}{method}", *args, *sorted(kwargs.items())))
            answer = self._answers.get(method, WELL)
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    def named(self, *methods):
        """Return the calls of these methods."""
        return [call for call in self.calls if call[0] in methods]
