"""What DIRAC has to be told."""

from dirac_failover.serving.configuration import as_cfg, environment, options
from dirac_failover.serving.credentials import Credentials
from dirac_failover.vocabulary import REQ_PROXY
from dirac_fakes import Caller
from dirac_fakes.faults import SHORT

URL = "https://127.0.0.1:8443"
CALLER = Caller("bob", "vo_prod", ("NormalUser", "JobSharing"), "lab")
SAID = {
    "/DIRAC/VirtualOrganization": "lab",
    **{f"/Systems/{name.replace('/', '/URLs/')}": f"{URL}/{name}" for name in SHORT if name != REQ_PROXY},
    "/Systems/RequestManagement/URLs/ReqProxyURLs": f"{URL}/RequestManagement/ReqProxy",
    "/Registry/Users/bob/DN": "/CN=bob",
    "/Registry/Groups/vo_prod/Users": "bob",
    "/Registry/Groups/vo_prod/VO": "lab",
    "/Registry/Groups/vo_prod/Properties": "NormalUser, JobSharing",
    "/DiracX/URL": URL,
}


def test_the_options_say_where_the_services_are_and_who_calls():
    assert options(URL, CALLER, "/CN=bob") == SAID


def test_authorities_and_diracx_are_told_when_there_are_any():
    found = options(URL, CALLER, "/CN=bob", "/certificates", diracx=True)
    assert found == {
        **SAID,
        "/DIRAC/Security/CALocation": "/certificates",
        "/DiracX/FutureClientEnabled/WorkloadManagement/JobStateUpdate": "yes",
    }


def test_the_environment_names_proxy_and_authorities():
    own = Credentials("/c", "/a.pem", "/h.pem", "/p.pem", "/CN=bob", {})
    assert environment(own) == {
        "X509_USER_PROXY": "/p.pem", "X509_CERT_DIR": "/c", "REQUESTS_CA_BUNDLE": "/a.pem",
        "DIRACX_CA_PATH": "/a.pem",
    }  # fmt: skip
    assert environment(own, trusted=False) == {"X509_USER_PROXY": "/p.pem"}


def test_options_are_written_as_sections():
    assert as_cfg({"/A/B/c": "1", "/A/d": "2, 3", "/A/B/e": "", "/f~": "x = y"}) == (
        "A\n{\n  B\n  {\n    c = 1\n    e = \n  }\n  d = 2, 3\n}\nf~ = x = y\n"
    )
    assert as_cfg({}) == ""
