"""The checks of a request before it is sent, as DIRAC 9.1's ``RequestManagementSystem.private.RequestValidator``.

The checks run in the order of ``RequestValidator().validator`` and the first that fails decides. What an operation of
a type, and its files, must have is the table ``reqAttrs``; a type that is not in it is not refused.

Left out: ``setAndCheckRequestOwner``, which is the service's, and the handlers named by an agent's configuration, which
no check of DIRAC's list uses: ``opHandlers`` is empty here as it is in DIRAC without configuration.
"""

from __future__ import annotations

import inspect
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR, S_OK

from dirac_failover.vocabulary import FORWARD_DISET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dirac_failover.request.operation import Operation
    from dirac_failover.request.request import Request


def _needs(operation: list[str], files: list[str]) -> dict[str, list[str]]:
    return {"Operation": operation, "Files": files}


def _typed(request: Request, operation: Operation) -> str:
    return f"Operation #{request.indexOf(operation)} of type '{operation.Type}'"


def _check(complaints: Callable[[Any], Iterator[str]]) -> Callable[[Any], Any]:
    """Make a check of a function that yields complaints of a request: S_ERROR of the first, else S_OK."""
    return lambda request: next(map(S_ERROR, complaints(request)), None) or S_OK()


class _Singleton(type):
    """Gives each class one instance, kept as its ``instance``."""

    def __init__(cls, *_: object) -> None:
        cls.instance: Any = None

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.instance is None:
            cls.instance = super().__call__(*args, **kwargs)
        return cls.instance


class RequestValidator(metaclass=_Singleton):
    """The checks of a request; one instance a process, so what is added to it stays."""

    reqAttrs: ClassVar[dict[str, dict[str, list[str]]]] = {
        FORWARD_DISET: _needs(["Arguments"], []),
        "PutAndRegister": _needs(["TargetSE"], ["LFN", "PFN"]),
        "ReplicateAndRegister": _needs(["TargetSE"], ["LFN"]),
        "PhysicalRemoval": _needs(["TargetSE"], ["LFN"]),
        "RemoveFile": _needs([], ["LFN"]),
        "RemoveReplica": _needs(["TargetSE"], ["LFN"]),
        "ReTransfer": _needs(["TargetSE"], ["LFN", "PFN"]),
        "RegisterFile": _needs([], ["LFN", "PFN", "ChecksumType", "Checksum", "GUID"]),
        "RegisterReplica": _needs(["TargetSE"], ["LFN", "PFN"]),
    }
    opHandlers: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        """Put the checks in order."""
        whole = (self._has_name, self._has_owner, self._has_operations, self._has_types)
        parts = (self._has_files, self._has_required, self._has_checksum_pairs)
        self.validator: tuple[Callable[[Any], Any], ...] = tuple(map(_check, (*whole, *parts)))

    @classmethod
    def addReqAttrsCheck(
        cls, operationType: str, operationAttrs: list[str] | None = None, filesAttrs: list[str] | None = None
    ) -> None:
        """Require more attributes of operations of a type and of their files, from now on in this process."""
        known = cls.reqAttrs.setdefault(operationType, {"Operation": [], "Files": []})
        for key, more in (("Operation", operationAttrs), ("Files", filesAttrs)):
            known[key] = list(dict.fromkeys([*known[key], *(more or [])]))

    @classmethod
    def addValidator(cls, fcnObj: Any) -> Any:
        """Fail: S_ERROR for an object that is no check, AttributeError for a check.

        DIRAC's own method looks for the list of checks on the class, where it is not. To add a check, extend
        ``RequestValidator().validator``.
        """
        if not callable(fcnObj):
            return S_ERROR("supplied argument is not callable")
        if len(inspect.getfullargspec(fcnObj).args) not in (1, 2):
            return S_ERROR("wrong number of arguments for supplied function object")
        raise AttributeError(f"type object {cls.__name__!r} has no attribute 'validator'")

    def _has_name(self, request: Request) -> Iterator[str]:
        if not request.RequestName:
            yield "RequestName not set"

    def _has_owner(self, request: Request) -> Iterator[str]:
        if not (request.Owner or getattr(request, "OwnerDN", None)):
            yield f"Request '{request.RequestName}' is missing both Owner and OwnerDN value"
        if not request.OwnerGroup:
            yield f"Request '{request.RequestName}' is missing OwnerGroup value"

    def _has_operations(self, request: Request) -> Iterator[str]:
        if not len(request):
            yield f"Operations not present in request '{request.RequestName}'"

    def _has_types(self, request: Request) -> Iterator[str]:
        for operation in request:
            if not operation.Type:
                yield f"Operation #{request.indexOf(operation)} in request '{request.RequestName}' hasn't got Type set"

    def _has_files(self, request: Request) -> Iterator[str]:
        for operation in request:
            if operation.Type not in self.reqAttrs:
                return  # DIRAC does not look at the operations that follow
            wanted = bool(self.reqAttrs[operation.Type]["Files"])
            if wanted != bool(len(operation)):
                verb = "hasn't" if wanted else "has"
                yield f"{_typed(request, operation)} {verb} got files to process."

    def _has_required(self, request: Request) -> Iterator[str]:
        for operation in request:
            needs = self.reqAttrs.get(operation.Type, _needs([], []))
            for attribute in needs["Operation"]:
                if not getattr(operation, attribute):
                    yield f"{_typed(request, operation)} is missing {attribute} attribute."
            for file, attribute in product(operation, needs["Files"]):
                if not getattr(file, attribute):
                    yield f"{_typed(request, operation)} is missing {attribute} attribute for file."

    def _has_checksum_pairs(self, request: Request) -> Iterator[str]:
        for operation in request:
            for file in operation:
                if bool(file.Checksum) != bool(file.ChecksumType):
                    lacking = f"missing Checksum ({file.Checksum}) or ChecksumType ({file.ChecksumType})"
                    yield f"File in operation #{request.indexOf(operation)} is {lacking}"

    def validate(self, request: Request) -> Any:
        """Return S_OK, or the S_ERROR of the first check that ``request`` fails."""
        for check in self.validator:
            result = check(request)
            if not result["OK"]:
                return result
        return S_OK()
