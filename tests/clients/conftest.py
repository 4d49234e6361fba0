"""A scripted service behind the clients of each implementation in turn."""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

OPTIONS = {
    "DisableFailover": "/LocalSite/DisableFailover",
    "DisableAccounting": "/LocalSite/DisableAccounting",
    "FilesMaxResetCounter": "Transformations/FilesMaxResetCounter",
    "ReqProxyURLs": "RequestManagement/ReqProxyURLs",
}


class Call(NamedTuple):
    """One call as it arrived."""

    service: str
    method: str
    args: tuple[Any, ...]
    timeout: int


class Service:
    """A transport whose answers are scripted by method; it remembers every call and every pause of a client.

    ``answers[method]`` is a list: each call takes the first answer, and the last answer stays. An answer is a return
    structure (with a stub added), an exception to be raised, or a function of the arguments. Unscripted: ``S_OK()``.
    """

    def __init__(self, implementation):
        self.implementation = implementation
        self.calls = []
        self.naps = []
        self.answers = {}
        self.stubs = True

    def __call__(self, service, method, args, *, timeout=600):
        seen = copy.deepcopy(args)
        self.calls.append(Call(service, method, seen, timeout))
        script = self.answers.get(method) or [S_OK()]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(*args)
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, dict):
            return answer
        stub = {"rpcStub": ((service, {"timeout": 600, "useAccessToken": False}), method, list(seen))}
        return {**answer, **(stub if self.stubs else {})}

    def refuses(self, *methods, message="down"):
        """Answer these methods with an error."""
        self.answers.update((method, [S_ERROR(message)]) for method in methods)

    def knows(self, *files):
        """Answer look-ups with files of (LFN, status, error count); their IDs count from 100."""
        names = ("LFN", "Status", "ErrorCount", "FileID")
        rows = [dict(zip(names, (*file, number), strict=True)) for number, file in enumerate(files, 100)]
        self.answers["getTransformationFiles"] = [S_OK(json.dumps(S_OK(rows)))]

    @property
    def methods(self):
        return [call.method for call in self.calls]

    @contextmanager
    def connected(self, **options):
        """Connect once more, with configuration options by their last name."""
        paths = {OPTIONS[name]: value for name, value in options.items()}
        with self.implementation.connect(self, owner="alice", group="vo_user", options=paths, sleep=self.naps.append):
            yield


@pytest.fixture
def service(implementation):
    """A scripted service that the clients of ``implementation`` are connected to."""
    service = Service(implementation)
    with service.connected():
        yield service
