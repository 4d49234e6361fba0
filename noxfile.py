"""What is checked before a change lands: ``nox -l`` lists it, ``nox -s lint`` runs one, ``.ci/run`` runs all.

Each session makes an environment of its own. ``differential``, ``ports``, ``versions``, ``reach`` and ``bench``
install the real DIRAC, which needs swig, the OpenSSL headers and a C compiler: ``apt-get install swig libssl-dev gcc``.
``live`` needs a MariaDB as well: ``apt-get install mariadb-server libmariadb-dev pkg-config``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))
from dirac_failover.drivers.implementations import IMPLEMENTATIONS, Implementation

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
DIRAC = IMPLEMENTATIONS["dirac"]
PORTS = [name for name in IMPLEMENTATIONS if name not in {"reference", "dirac"}]
NEWEST_9_0 = "9.0.28"
VERSIONS = {**DIRAC.releases, DIRAC.profile.versions[1]: ()}
COLUMNS = {  # of the page docs/matrix.md: the implementation to install, and the options of verify
    "reference": ("reference", ()),
    "lossless": ("reference", ("dirac_failover:LosslessFailoverRequest",)),
    "dirac": ("dirac", ("dirac",)),
    "dirac-9.0": ("dirac", ("dirac",)),
    **{name: (name, (name, "--profile", IMPLEMENTATIONS[name].profile.name)) for name in PORTS},
}
ANY_NUMBER = ("9.0.0", "9.1.2")  # these send parameters that are not finite, which later ones leave out
ALL_BUT_PARAMETERS = (
    "from dirac_failover.spec.space import REGIONS; print(*(r.name for r in REGIONS if r.name != 'parameters'))"
)
PINNED = "from importlib.metadata import requires; print(*(r for r in requires('DIRAC') if 'DIRACCommon' in r))"
OF_PORTS = ("tests/spec/test_profiles.py", "tests/differential/test_ports.py", "tests/fakes/test_clients.py",
            "tests/fakes/test_clients_on_world.py")  # fmt: skip
WHOLE = "--whole"
LIVE_NEEDS = {"mariadbd": "mariadb-server", "mariadb_config": "libmariadb-dev", "pkg-config": "pkg-config"}
"""The programs that the session ``live`` needs, and the Debian packages that have them."""
CHECKOUT_ONLY = ("tests/bench", "tests/live", "tests/mutation", "tests/packaging", "tests/reach")
PYTEST = ("pytest", "-n", "auto", "--dist", "worksteal", *(f"--ignore={path}" for path in CHECKOUT_ONLY))
FORGE = {  # which schema describes which files
    "citation-file-format": "CITATION.cff",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "github-workflows": ".github/workflows/*.yml",
    "readthedocs": ".readthedocs.yaml",
}

YAML = re.compile(r"^```yaml (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A file of YAML in a page: its name and its text."""

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "typing", "coverage", "docs", "build"]


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of one dependency group."""
    return nox.project.dependency_groups(PROJECT, name)


def with_dirac(session: nox.Session, implementation: Implementation = DIRAC) -> None:
    """Install the project beside the real DIRAC, or an extension of it."""
    session.install("--no-deps", *implementation.requirements)
    session.install("-e", ".[test]", *group("dirac"), *implementation.needs)


def install_dirac(session: nox.Session, version: str) -> None:
    """Install a version of DIRAC 9, and the packages that it pins."""
    session.install("--no-deps", f"DIRAC=={version}")
    pinned = str(session.run("python", "-c", PINNED, silent=True)).split()
    session.install(*pinned, *group("dirac"), *VERSIONS[version])


def built(session: nox.Session) -> Path:
    """Build the wheel and return where it is."""
    wheels = Path(session.create_tmp(), "wheels")
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), ".")
    (wheel,) = wheels.resolve().glob("*.whl")
    return wheel


@nox.session
def lint(session: nox.Session) -> None:
    """Style, form, the direction of imports, and the files for GitHub and Read the Docs by their schemas."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    for schema, files in FORGE.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, sorted(Path().glob(files))))
    for name, text in YAML.findall(Path("docs/howto/run-in-ci.md").read_text(encoding="utf-8")):
        example = Path(session.create_tmp(), Path(name).name)
        example.write_text(text, encoding="utf-8")
        schema = "gitlab-ci" if "gitlab" in name else "github-workflows"
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(example))


@nox.session
def typing(session: nox.Session) -> None:
    """Types, in the packages and in what their users write."""
    session.install("-e", ".[test]", *group("typing"))
    session.run("mypy")
    session.run("mypy", "tests/typing")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, on the built wheel: nothing is imported from the checkout."""
    session.install(".[test]")
    session.run(*PYTEST, "-o", "pythonpath=", "--import-mode=importlib", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Every line and every branch is executed by a test."""
    session.install("-e", ".[test]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", *PYTEST, "-m", "", "--hypothesis-profile=thorough", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def ends(session: nox.Session) -> None:
    """Whatever a module leaves behind is judged and shown: twenty thousand ends, drawn from seeds."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "ci", "tests/conformance/test_ends.py", *session.posargs, env={"ENDS": "5000"})


@nox.session
def stress(session: nox.Session) -> None:
    """The user's files stay: a thousand runs of modules that take the process to another directory."""
    session.install("-e", ".[test]")
    session.run("python", "tests/stress", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in ``docs/_build/html``: every link leads somewhere, and it is looked at in a browser."""
    session.install("-e", ".[test]", *group("docs"))
    shutil.rmtree("docs/_build", ignore_errors=True)
    site = "docs/_build/html"
    session.run("sphinx-build", "-q", "-j", "auto", "-b", "html", "-n", "-W", "--keep-going", "docs", site)
    session.run("pytest", "tests/docs/test_site.py", "tests/browser/test_site.py", *session.posargs, env={"SITE": site})


@nox.session
def build(session: nox.Session) -> None:
    """What is released: the contents of wheel and sdist, and that the wheel works in an empty environment."""
    session.install("build", "twine", ".[test]")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, sorted(Path("dist").iterdir())))
    (wheel,) = Path("dist").glob("*.whl")
    session.run(
        "pytest", "-p", "no:cacheprovider", "tests/packaging", *session.posargs, env={"DIST": str(wheel.parent)}
    )


@nox.session
def examples(session: nox.Session) -> None:
    """Projects that use this one: the built wheel, pytest and pytest-mock in an empty environment, and their tests."""
    session.install(str(built(session)), "pytest", "pytest-mock")
    for project in sorted(Path("examples").resolve().glob("*/pyproject.toml")):
        with session.chdir(project.parent):
            session.run("pytest", "-q", "-p", "no:cacheprovider", *session.posargs)


@nox.session
def differential(session: nox.Session) -> None:
    """The reference beside the real DIRAC: every test that runs it, the direct comparisons, and all scenarios."""
    with_dirac(session)
    session.run(*PYTEST, "-m", "dirac", *session.posargs)
    session.run("dirac-failover", "differential", "reference", "dirac")
    session.run("dirac-failover", "verify", "dirac")


@nox.session
def live(session: nox.Session) -> None:
    """The fakes beside DIRAC's real services on a MariaDB of its own, which is gone afterwards.

    ``nox -s live -- --whole`` tries thousands of sequences of calls for each service, instead of hundreds.
    """
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    if missing := [package for name, package in LIVE_NEEDS.items() if shutil.which(name, path=path) is None]:
        session.error(f"The real services need {' '.join(missing)}: apt-get install {' '.join(missing)}")
    with_dirac(session)
    session.install(*group("live"))
    more = [word for word in session.posargs if word != WHOLE]
    sequences = "5000" if WHOLE in session.posargs else "400"
    session.run("pytest", "-n", "2", "--dist", "worksteal", "-m", "", "tests/live", *more, env={"SEQUENCES": sequences})


@nox.session
@nox.parametrize("port", PORTS, ids=PORTS)
def ports(session: nox.Session, port: str) -> None:
    """DIRAC 8.0, LHCbDIRAC and ILCDIRAC, each in an environment of its own: their profiles, their ports, and the fakes.

    ``nox -s ports -- --whole`` proves the profiles on all of the space, instead of a sample: minutes for each.
    """
    profile = IMPLEMENTATIONS[port].profile.name
    with_dirac(session, IMPLEMENTATIONS[port])
    warned = ("-W", "ignore:pkg_resources is deprecated:UserWarning")
    more_of_pytest = [word for word in session.posargs if word != WHOLE]
    session.run("pytest", *warned, *OF_PORTS, *more_of_pytest)
    whole = WHOLE in session.posargs
    judged = ("dirac-failover", "verify", port, "--profile", profile)
    baseline = Path("tests/differential/baselines", f"{profile}.json")
    known = ("--baseline", str(baseline)) if baseline.exists() else ()
    session.run(*judged, "--level", "contract", *known, *(() if whole else ("--shard", "1/24")))
    if whole:
        session.run(*judged, "--level", "dirac")


@nox.session
@nox.parametrize("version", list(VERSIONS), ids=list(VERSIONS))
def versions(session: nox.Session, version: str) -> None:
    """DIRAC 9 from the first version on: the wheel changes no package that is installed with it, and it conforms.

    ``nox -s versions -- --whole`` asks all of the space, instead of a twelfth: minutes for each.
    """
    install_dirac(session, version)
    before = set(str(session.run("pip", "freeze", silent=True)).splitlines())
    wheel = built(session)
    session.install(str(wheel))
    if changed := before - set(str(session.run("pip", "freeze", silent=True)).splitlines()):
        session.error(f"installing {wheel.name} changed {', '.join(sorted(changed))}")
    part = [] if WHOLE in session.posargs else ["--shard", "1/12"]
    with session.chdir(session.create_tmp()):  # nothing is imported from the checkout
        if version in ANY_NUMBER:
            asked = str(session.run("python", "-c", ALL_BUT_PARAMETERS, silent=True)).split()
            part += [word for region in asked for word in ("--region", region)]
        session.run("dirac-failover", "verify", "dirac", "--level", "contract", "--level", "dirac", *part)


@nox.session
@nox.parametrize("column", list(COLUMNS), ids=list(COLUMNS))
def matrix(session: nox.Session, column: str) -> None:
    """The verdict on each clause for each implementation, for the page docs/matrix.md: minutes for each column."""
    implementation, asked = COLUMNS[column]
    if column == "dirac-9.0":
        install_dirac(session, NEWEST_9_0)
        session.install("-e", ".[test]")
    elif implementation == "reference":
        session.install("-e", ".[test]")
    else:
        with_dirac(session, IMPLEMENTATIONS[implementation])
    results = str(Path(session.create_tmp(), f"{column}.json").resolve())
    session.run("dirac-failover", "verify", *asked, "--level", "all", "--output", results, success_codes=[0, 1])
    session.run("python", "docs/matrix_page.py", f"{column}={results}")


@nox.session
def mutants(session: nox.Session) -> None:
    """Every single fault of a module is noticed: ``nox -s mutants -- [FILE ...]``."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.mutation.runner", *session.posargs)


@nox.session
def reach(session: nox.Session) -> None:
    """The space takes every branch of the real DIRAC's files that the end of a job can take; the others are listed."""
    with_dirac(session)
    session.run("python", "-m", "tests.reach", *session.posargs)


@nox.session
@nox.parametrize("implementation", ["dirac", "lhcbdirac"], ids=["dirac", "lhcbdirac"])
def discrimination(session: nox.Session, implementation: str) -> None:
    """The clauses tell a real package from one with a fault in it: prints what is killed, and what is alive and why.

    Beside it, what the unit tests that the package brings make of the same faults.
    """
    with_dirac(session, IMPLEMENTATIONS[implementation])
    session.run("python", "-m", "tests.mutation.discrimination", implementation, *session.posargs)


@nox.session
@nox.parametrize("implementation", ["reference", "dirac"], ids=["reference", "dirac"])
def proof(session: nox.Session, implementation: str) -> None:
    """The contract obliges: each step that is removed from the module breaks a clause, or is listed with a reason."""
    if implementation == "dirac":
        with_dirac(session)
    else:
        session.install("-e", ".[test]")
    session.run("python", "-m", "tests.mutation.proof", implementation, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time and scale of the reference, side by side with the real DIRAC: ``nox -s bench -- [--json]``."""
    with_dirac(session)
    session.run("python", "-m", "tests.bench", *session.posargs)
