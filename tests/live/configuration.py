"""The credentials and the ``dirac.cfg`` of a grid that is on this machine only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.serving import credentials
from tests.live.children import LOOPBACK, free_port
from tests.live.database import USER

if TYPE_CHECKING:
    from pathlib import Path

OWNER: Final = "alice"
GROUP: Final = "vo_user"
_HTTPS: Final = {
    "WorkloadManagement": ("JobStateUpdate",),
    "Transformation": ("TransformationManager",),
    "RequestManagement": ("ReqManager",),
}


class Ports(NamedTuple):
    """The ports of the loopback on which each server listens."""

    https: int
    data_store: int
    req_proxy: int
    opensearch: int

    @classmethod
    def free(cls) -> Ports:
        """Return ports on which nothing listens."""
        return cls(*(free_port() for _ in cls._fields))


class Configured(NamedTuple):
    """Where the configuration and the credentials are."""

    cfg: str
    credentials: credentials.Credentials
    ports: Ports

    def url(self, service: str) -> str:
        """Return where a service listens."""
        port = {"Accounting/DataStore": self.ports.data_store, "RequestManagement/ReqProxy": self.ports.req_proxy}
        protocol = "dips" if service in port else "https"
        return f"{protocol}://{LOOPBACK}:{port.get(service, self.ports.https)}/{service}"


def configured(folder: Path, database_port: int) -> Configured:
    """Write everything into ``folder``."""
    ports = Ports.free()
    made = credentials.make(str(folder), owner=OWNER, group=GROUP)
    host, key = _parts((folder / "host.pem").read_text())
    for name, text in (("hostcert.pem", host), ("hostkey.pem", key)):
        with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
    cfg = folder / "dirac.cfg"
    cfg.write_text(_text(_tree(folder, ports, database_port, made.dn, _name(host))))
    return Configured(str(cfg), made, ports)


def _parts(text: str) -> tuple[str, str]:
    index = text.index("-----BEGIN PRIVATE KEY")
    return text[:index], text[index:]


def _name(certificate: str) -> str:
    from cryptography import x509

    subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    return "".join(f"/{part.rfc4514_string()}" for part in subject.rdns)


def _text(tree: dict[str, Any]) -> str:
    lines = []
    for name, value in tree.items():
        lines += [name, "{", _text(value), "}"] if isinstance(value, dict) else [f"{name} = {value}"]
    return "\n".join(lines)


def _tree(folder: Path, ports: Ports, database_port: int, owner_dn: str, host_dn: str) -> dict[str, Any]:
    anybody = {"Authorization": {"Default": "authenticated"}}
    systems: dict[str, Any] = {
        "Tornado": {"Port": ports.https},
        "Databases": {"User": USER, "Password": USER, "Host": LOOPBACK, "Port": database_port},
        "NoSQLDatabases": {"Host": LOOPBACK, "Port": ports.opensearch, "SSL": "No", "User": "x", "Password": "x"},
        "Accounting": {
            "Services": {"DataStore": {"Port": ports.data_store, "Protocol": "dips", "RunBucketing": "no", **anybody}},
            "URLs": {"DataStore": f"dips://{LOOPBACK}:{ports.data_store}/Accounting/DataStore"},
        },
    }
    for system, services in _HTTPS.items():
        path = f"DIRAC/{system}System/Service/Tornado%sHandler.py"
        systems[system] = {
            "Services": {name: {"HandlerPath": path % name, "Protocol": "https", **anybody} for name in services},
            "URLs": {name: f"https://{LOOPBACK}:{ports.https}/{system}/{name}" for name in services},
        }
    requests = systems["RequestManagement"]
    requests["Services"]["ReqProxy"] = {"Port": ports.req_proxy, "Protocol": "dips", **anybody}
    requests["URLs"]["ReqProxyURLs"] = f"dips://{LOOPBACK}:{ports.req_proxy}/RequestManagement/ReqProxy"
    for system, name in [
        ("WorkloadManagement", "JobDB"), ("WorkloadManagement", "JobLoggingDB"), ("Transformation", "TransformationDB"),
        ("WorkloadManagement", "SandboxMetadataDB"), ("RequestManagement", "ReqDB"), ("Accounting", "AccountingDB"),
    ]:  # fmt: skip
        systems[system].setdefault("Databases", {})[name] = {"DBName": name}
    systems["WorkloadManagement"]["Databases"]["JobParametersDB"] = {
        "Host": LOOPBACK, "Port": ports.opensearch, "SSL": "No",
    }  # fmt: skip
    return {
        "DIRAC": {
            "VirtualOrganization": "vo",
            "Security": {
                "CertFile": folder / "hostcert.pem",
                "KeyFile": folder / "hostkey.pem",
                "CALocation": folder / "certificates",
            },
            "Configuration": {"AutoPublish": "no", "Name": "live"},
        },
        "DiracX": {"DisabledVOs": "vo"},
        "Registry": {
            "DefaultGroup": GROUP,
            "Users": {OWNER: {"DN": owner_dn}},
            "Groups": {GROUP: {"Users": OWNER, "VO": "vo", "Properties": "NormalUser, ProductionManagement"}},
            "Hosts": {"host": {"DN": host_dn, "Properties": "TrustedHost, FullDelegation"}},
            "VO": {"vo": {"VOAdmin": OWNER}},
        },
        "Systems": systems,
    }
