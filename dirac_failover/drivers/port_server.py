"""The other side of a :class:`~.subprocess_driver.SubprocessDriver`, for Python: ``python -m`` this and a port's name.

It answers each scenario on its original standard output. For a module that prints or reads, standard output is stderr,
and standard input is empty.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from dirac_failover.drivers.resolve import in_this_process
from dirac_failover.drivers.sandbox import stay_within
from dirac_failover.drivers.subprocess_driver import NAMED_WRONGLY, to_json
from dirac_failover.errors import FailoverError, PortError
from dirac_failover.spec.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dirac_failover.drivers.in_process import InProcessDriver

SPEAKS: Final = {"protocol": 2, "capabilities": ["services", "methods", "hooks"]}
"""The version of the protocol, and the capabilities of a port in Python, which observes itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the port that the one argument names, until the input ends."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    try:
        port = in_this_process(name)
    except FailoverError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the host quotes it
        return NAMED_WRONGLY if isinstance(error, PortError) else 1
    with _streams_of_its_own() as (questions, answers), stay_within(os.getcwd()), port.session():
        serve(port, questions, answers)
    return 0


@contextmanager
def _streams_of_its_own() -> Iterator[tuple[TextIO, TextIO]]:
    """Return the original standard streams, and give the code of this process other ones."""
    questions, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    with open(questions, encoding="utf-8") as source, open(answers, "w", encoding="ascii", buffering=1) as sink:
        yield source, sink


def serve(port: InProcessDriver, questions: Iterable[str], answers: TextIO) -> None:
    """Answer each line of ``questions`` with a line."""
    answers.writelines(f"{json.dumps(answer(port, json.loads(line)))}\n" for line in questions)


def answer(port: InProcessDriver, message: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a message of the host."""
    if "hello" in message:
        return {"hello": {**SPEAKS, "name": port.name, "version": port.version, "shape": port.shape}}
    try:
        return {"id": message["id"], "outcome": to_json(port.run(Scenario.from_json(message["run"])))}
    except Exception as error:  # noqa: BLE001 - the host reports it, and that the port is broken
        return {"id": message["id"], "error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.exit(main())
