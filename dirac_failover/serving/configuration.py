"""The settings with which DIRAC talks to a site: options of its configuration, and variables of its environment.

The same options are text for a file, and can be set in the memory of this process. They are DIRAC 9.1's, and each is
there because its clients read it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the types of the fields
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from dirac_failover import vocabulary as v
from dirac_failover.spec.shape import one_of
from dirac_fakes.faults import SHORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dirac_failover.serving.credentials import Credentials
    from dirac_fakes.service import Caller
    from dirac_fakes.world import World

SCHEMA: Final = "dirac-failover/serve/1"
FUTURE_CLIENT: Final = f"/DiracX/FutureClientEnabled/{v.JOB_STATE}"
"""The option that makes DIRAC report on jobs to DiracX."""


def options(url: str, caller: Caller, dn: str, authorities: str = "", *, diracx: bool = False) -> dict[str, str]:
    """Return the options, by path, for a site at ``url`` to which ``caller``, whose name on the grid is ``dn``, speaks.

    ``authorities`` is the folder of certificates that are trusted. With ``diracx`` jobs are reported to DiracX.
    """
    found = {"/DIRAC/VirtualOrganization": caller.vo}
    if authorities:
        found["/DIRAC/Security/CALocation"] = authorities
    for service in SHORT:
        system, name = service.split("/")
        option = "ReqProxyURLs" if service == v.REQ_PROXY else name
        found[f"/Systems/{system}/URLs/{option}"] = f"{url}/{service}"
    found[f"/Registry/Users/{caller.username}/DN"] = dn
    group = f"/Registry/Groups/{caller.group}"
    found[f"{group}/Users"] = caller.username
    found[f"{group}/VO"] = caller.vo
    found[f"{group}/Properties"] = ", ".join(caller.properties)
    found["/DiracX/URL"] = url
    if diracx:
        found[FUTURE_CLIENT] = "yes"
    return found


def environment(credentials: Credentials, trusted: bool = True) -> dict[str, str]:
    """Return the variables by which DIRAC finds its proxy and, if ``trusted``, the authority of these credentials.

    ``REQUESTS_CA_BUNDLE`` wins over what DIRAC tells ``requests``, so it is set, too.
    """
    proxy = {"X509_USER_PROXY": credentials.proxy}
    if not trusted:
        return proxy
    authority = dict.fromkeys(("REQUESTS_CA_BUNDLE", "DIRACX_CA_PATH"), credentials.authority)
    return {**proxy, "X509_CERT_DIR": credentials.authorities, **authority}


def as_cfg(options: Mapping[str, str]) -> str:
    """Return the options as a file of DIRAC's configuration."""
    tree: dict[str, Any] = {}
    for path, value in options.items():
        *sections, name = path.strip("/").split("/")
        inner = tree
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = value
    return "".join(f"{line}\n" for line in _lines(tree, ""))


def _lines(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from (f"{indent}{name}", f"{indent}{{", *_lines(value, f"{indent}  "), f"{indent}}}")
        else:
            yield f"{indent}{name} = {value}"


@contextmanager
def configured(options: Mapping[str, str]) -> Iterator[None]:  # needs DIRAC
    """Set the options in the memory of this process's DIRAC, for the length of a ``with`` block."""
    from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData

    before = gConfigurationData.localCFG.clone()
    for path, value in options.items():
        gConfigurationData.setOptionInCFG(path, value)
    try:
        yield
    finally:
        gConfigurationData.localCFG = before
        gConfigurationData.sync()


@dataclass(frozen=True)
class Announcement:
    """The output of 'dirac-failover serve --json': one line, as soon as there are answers."""

    schema: Annotated[str, one_of(SCHEMA)]
    url: str
    """The address of the server, without a slash at the end."""
    admin: str
    """The beginning of the paths of its administration."""
    pid: int
    """The process, which SIGTERM stops."""
    services: Mapping[str, str]
    """The URL of each service, by System/Service."""
    environment: Mapping[str, str]
    """The variables that DIRAC's clients need."""
    options: Mapping[str, str]
    """The options of DIRAC's configuration, by path."""
    configuration: str
    """The same as a file for DIRAC."""

    @classmethod
    def of(cls, url: str, world: World, own: Credentials | None, *, diracx: bool, trusted: bool) -> Self:
        """Return that of a server; ``trusted`` is whether its certificate is of the authority of these credentials."""
        told: Mapping[str, str] = {}
        variables: Mapping[str, str] = {}
        if own is not None:
            told = options(url, world.caller, own.dn, own.authorities if trusted else "", diracx=diracx)
            variables = environment(own, trusted)
        services = {service.full: f"{url}/{service.full}" for service in world.services.values()}
        return cls(SCHEMA, url, f"{url}/admin", os.getpid(), services, variables, told, as_cfg(told))
