"""Work for worker processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings

from dirac_failover.errors import AstrayWarning, PortError


def first(chunk):
    """Return the number of the first scenario; 0 without any."""
    return next(iter(chunk), (0, None))[0]


def names(_, chunk):
    """Return the numbers of the scenarios."""
    return [number for number, _ in chunk]


def names_within(ports, chunk):
    """Return the number of ports, the numbers of the scenarios, and the directory above the working directory."""
    return len(ports), [number for number, _ in chunk], os.path.dirname(os.path.dirname(os.getcwd()))


def says(ports, _):
    """Return the process, the class of the port, and where it prints."""
    return os.getpid(), type(ports[0]).__name__, sys.stdout is sys.stderr, sys.stdout.name, sys.stdout.encoding


def raises(_, chunk):
    """Raise for the second chunk."""
    if first(chunk):
        raise ValueError("boom")


def complains(_, __):
    """Raise an error that has a text for users."""
    raise PortError("No such port")


def is_interrupted(_, __):
    """Raise the exception of Ctrl-C."""
    raise KeyboardInterrupt


def goes_astray(_, __):
    """Warn twice, and of something else."""
    for text in ("somewhere", "elsewhere"):
        warnings.warn(text, AstrayWarning, stacklevel=1)
        warnings.warn("other", stacklevel=1)


def leaves_much(_, chunk):
    """Start a process in a session of its own, and make a directory; the second chunk kills the worker."""
    if first(chunk):
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    program = ["sh", "-c", "setsid sleep 1000 >&- & echo $!"]
    started = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    return os.getpid(), int(started.stdout), tempfile.gettempdir()


def sleeps(_, chunk):
    """Return at once for the first chunk, and never for the next."""
    if first(chunk):
        time.sleep(1000)


def ends_at_700(_, chunk):
    """End the process in one scenario."""
    for number, _ in chunk:
        if number == 700:
            os._exit(7)


def ends_once(_, chunk):
    """End the process, but only when the scenarios are not run one by one."""
    if len(list(chunk)) > 1:
        os.kill(os.getpid(), signal.SIGTERM)


def dies_or_raises(_, chunk):
    """End the process; when the scenarios are run one by one, raise instead."""
    if len(list(chunk)) > 1:
        os._exit(3)
    raise ValueError("alone")


def knows_its_parent(_, __):
    """Return the value that the parent may have changed after the start."""
    return changed, multiprocessing.parent_process() is not None


changed = False
