"""The in-memory DIRAC in the state in which the handlers begin, and its state as they read theirs."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dirac_fakes import World
from tests.live.comparing import FILES, JOB_COLUMNS, SERVER_ERROR, Comparison, any_order, loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.comparing import Step

LOGGED_SINCE: Final = 1_270_000_000


def _second(value: Any) -> Any:
    return str(value)[:19] if value is not None else None


def job_state(world: World) -> Any:
    """Return the job as :meth:`JobState.state` does."""
    state = world.job_state.state
    row = state["jobs"][77]
    job = [_second(row[name]) if name.endswith("Time") else row[name] for name in JOB_COLUMNS]
    history = [
        [
            row["Status"], row["MinorStatus"], row["ApplicationStatus"], _second(row["StatusTime"]),
            round(row["Epoch"] - LOGGED_SINCE, 3), row["StatusSource"],
        ]
        for row in state["history"][77]
    ]  # fmt: skip
    beats = sorted([name, value, _second(time)] for name, value, time in state["heartbeats"].get(77, []))
    parameters = {str(job_id): document for job_id, document in state["parameters"].items()}
    return {
        "job": job,
        "history": history,
        "beats": beats,
        "parameters": parameters,
    }


def _two_transformations(**given: Any) -> World:
    (first, files), (second, others) = FILES.items()
    world = World(transformation_id=first, files=files, **given)
    world.transformation.add(second, others)
    return world


def transformation(world: World) -> Any:
    """Return all rows of files."""
    columns = (
        "TransformationID",
        "FileID",
        "LFN",
        "Status",
        "ErrorCount",
        "TaskID",
        "TargetSE",
        "UsedSE",
        "LastUpdate",
        "InsertedTime",
    )
    files = world.transformation.state["files"]
    return [[row[name] for name in columns] for _, rows in sorted(files.items()) for _, row in sorted(rows.items())]


def read_files(step: Step, answer: Any) -> Any:
    """Return an answer with the rows in it, in any order unless one was asked for."""
    if answer == SERVER_ERROR or not step.method.startswith("get"):
        return _without_excerpt(step, answer)
    inner = loaded(answer["Value"])
    inner.pop("CallStack", None)
    if not inner["OK"]:
        told = inner["Message"].split(" near ")[0].removesuffix('") ))').removesuffix("') ))")
        return inner | {"Message": told.replace('(1064, "', "(1064, '")}  # quotes go by the excerpt, too
    order, limit = (*step.args[4:6], None, None)[:2] if any(step.args[:3]) else (None, None)
    if limit:
        inner["Value"] = len(inner["Value"])
    else:
        inner["Value"].sort(key=json.dumps)
    if order:
        names = [text.split(":")[0] for text in (order if isinstance(order, list) else [order]) if text]
        inner["order"] = [[_key(row.get(name)) for name in names] for row in loaded(answer["Value"])["Value"]]
    return inner


def _key(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def requests(world: World) -> Any:
    """Return the rows of each table, as the database has them."""
    tables: dict[str, list[Any]] = {"Request": [], "Operation": [], "File": []}
    for request in world.requests.state["requests"].values():
        tables["Request"].append({name: value for name, value in request.items() if name != "Operations"})
        for operation in request["Operations"]:
            tables["Operation"].append(any_order({name: operation[name] for name in operation if name != "Files"}))
            tables["File"] += [dict(file) for file in operation["Files"]]
    return {
        name: sorted(
            ({key: _padded(key, value) for key, value in sorted(row.items())} for row in rows),
            key=lambda row: row[f"{name}ID"],
        )
        for name, rows in tables.items()
    }


def _padded(name: str, value: Any) -> Any:
    if value is None or not name.endswith(("Time", "LastUpdate", "NotBefore")):
        return value
    return re.sub(r"^\d{1,3}(?=-\d\d-)", lambda year: year[0].zfill(4), value)


def read_requests(_: Step, answer: Any) -> Any:
    """Return an answer with the requests in it as values."""
    if isinstance(answer, dict) and isinstance(answer.get("Message"), str):
        answer = answer | {"Message": re.split(r" near |\n\[SQL", answer["Message"])[0]}
    return any_order(loaded(answer))


def read_cache(step: Step, answer: Any) -> Any:
    """Return an answer with the names of files in any order, as a directory has them."""
    if step.method != "listCacheDir" or not answer.get("OK"):
        return answer
    return answer | {"Value": sorted(answer["Value"])}


def _without_excerpt(_: Step, answer: Any) -> Any:
    told = answer.get("Message") if isinstance(answer, dict) else None
    return answer | {"Message": told.split(" near ")[0]} if told else answer


_READ: Final[dict[str, tuple[Callable[..., World], Callable[[World], Any], Callable[[Step, Any], Any]]]] = {
    "WorkloadManagement/JobStateUpdate": (
        lambda status, **given: World(job_status=status, **given), job_state, _without_excerpt,
    ),
    "Transformation/TransformationManager": (_two_transformations, transformation, read_files),
    "Accounting/DataStore": (World, lambda world: world.accounting.records(), _without_excerpt),
    "RequestManagement/ReqManager": (World, requests, read_requests),
    "RequestManagement/ReqProxy": (World, lambda world: world.request_proxy.state["cache"], read_cache),
}  # fmt: skip


def comparison(service: str, *, strict: bool = True, real: Any = None) -> Comparison:
    """Return how a service is compared: with databases in strict mode, or without; ``real`` is its handler, if any."""
    world, state, read = _READ[service]
    return Comparison(real, partial(world, strict=strict), state, read)


def comparisons(*, strict: bool = True) -> dict[str, Comparison]:
    """Return how each service is compared with its handler, by its name."""
    from tests.live import handlers

    compared = {}
    for handler in handlers.SERVICES:
        real = handler()
        real.mode = handlers.STRICT if strict else ""
        compared[real.service] = comparison(real.service, strict=strict, real=real)
    return compared
