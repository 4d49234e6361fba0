"""The rules of the request service and its proxy; beside the real ones they are held in tests/differential."""

from __future__ import annotations

import json

import pytest

from dirac_fakes import Caller, Fault, World

FORWARD = {"Type": "ForwardDISET", "Arguments": "i1e", "Status": "Waiting"}
REMOVE = {"Type": "RemoveFile", "Files": [{"LFN": "/vo/a"}]}
NOW = "2026-01-01 12:00:00"
OWNED = {"Owner": "alice", "OwnerGroup": "vo_user"}


def _text(*operations, **fields):
    return json.dumps({"RequestName": "one", "Operations": operations or (FORWARD,), **OWNED, **fields})


@pytest.fixture
def put(call):
    """Put a request of these operations and fields."""
    return lambda *operations, **fields: call("requests", "putRequest", _text(*operations, **fields))


def test_a_request_is_kept_whole(world, call, put):
    """It gets its IDs, and reads in DIRAC's JSON form and order of keys."""
    assert put(FORWARD, REMOVE, JobID=77, SourceComponent="Job_77") == {"OK": True, "Value": 1}
    times = {"CreationTime": NOW, "SubmitTime": NOW, "LastUpdate": NOW}
    expected = {
        "RequestID": 1,
        "RequestName": "one",
        **OWNED,
        "Status": "Waiting",
        "Error": None,
        "SourceComponent": "Job_77",
        "JobID": 77,
        **times,
        "NotBefore": NOW,
        "Operations": [
            {
                "OperationID": 1,
                "RequestID": 1,
                "Type": "ForwardDISET",
                "Status": "Waiting",
                "Arguments": "i1e",
                "Order": 0,
                **dict.fromkeys(("SourceSE", "TargetSE", "Catalog", "Error")),
                **times,
                "Files": [],
            },
            {
                "OperationID": 2,
                "RequestID": 1,
                "Type": "RemoveFile",
                "Status": "Queued",
                "Arguments": None,
                "Order": 1,
                **dict.fromkeys(("SourceSE", "TargetSE", "Catalog", "Error")),
                **times,
                "Files": [
                    {
                        "FileID": 1,
                        "OperationID": 2,
                        "Status": "Waiting",
                        "LFN": "/vo/a",
                        "PFN": None,
                        "ChecksumType": "",
                        "Checksum": None,
                        "GUID": None,
                        "Attempt": 0,
                        "Size": 0,
                        "Error": None,
                    }
                ],
            },
        ],
    }
    assert call("requests", "peekRequest", 1) == {"OK": True, "Value": json.dumps(expected)}
    assert world.requests.stored() == {1: expected}
    assert put(REMOVE)["Value"] == 2
    again = world.requests.stored()[2]["Operations"][0]
    assert (again["OperationID"], again["Files"][0]["FileID"]) == (3, 2)


def test_what_is_shown_of_requests_is_a_copy(world, put):
    """Whoever gets it may change it."""
    put()
    world.requests.stored()[1]["Operations"].clear()
    assert len(world.requests.stored()[1]["Operations"]) == 1


@pytest.mark.parametrize("text", ["", "[]", "null", "not JSON", json.dumps({"Status": "Nonsense"})])
def test_what_is_no_request_is_an_error_of_the_server(call, text):
    """DIRAC does not catch it."""
    assert call("requests", "putRequest", text)["Message"].startswith("500 Server Error")


def test_an_invalid_request_is_refused(world, put):
    """It is not kept."""
    assert put({"Type": "RemoveFile"}) == {
        "OK": False,
        "Errno": 0,
        "Message": "Operation #0 of type 'RemoveFile' hasn't got files to process.",
    }
    assert world.requests.stored() == {}


@pytest.mark.parametrize(
    ("fields", "caller", "owner"),
    [
        ({}, Caller(), ("alice", "vo_user")),
        ({"Owner": None}, Caller(), ("alice", "vo_user")),
        ({"OwnerGroup": ""}, Caller("bob", "other"), ("bob", "other")),
        ({"Owner": "bob"}, Caller(), None),
        ({"OwnerGroup": "other"}, Caller(), None),
        ({"Owner": "bob"}, Caller("pilot", "pilots", ("LimitedDelegation",)), ("bob", "vo_user")),
        ({"Owner": "bob"}, Caller("agent", "agents", ("FullDelegation",)), ("bob", "vo_user")),
    ],
)
@pytest.mark.parametrize("service", ["requests", "req-proxy"])
def test_whose_a_request_is(world, call, service, fields, caller, owner):
    """An ownerless one is its sender's; somebody else's needs delegation."""
    world.caller = caller
    answer = call(service, "putRequest", _text(**fields))
    if owner is None:
        assert answer == {
            "OK": False,
            "Errno": 1111,
            "Message": "Unauthorized query ( 1111 : Credentials in the requests are not allowed)",
        }
        return
    assert answer["OK"]
    world.request_proxy.sweep()
    kept = world.requests.stored()[1]
    assert (kept["Owner"], kept["OwnerGroup"]) == owner


def test_a_request_is_handed_out_once(world, call, put):
    """The due one that was changed longest ago comes first; an Assigned one is not due, but can be had by its ID."""
    put(LastUpdate="2025-12-02 00:00:00", NotBefore="2026-01-01 11:59:59")
    put(LastUpdate="2025-12-01 00:00:00", NotBefore="2026-01-01 11:59:59")
    put(NotBefore=NOW)
    assert json.loads(call("requests", "peekRequest")["Value"])["RequestID"] == 2
    first = json.loads(call("requests", "getRequest")["Value"])
    assert (first["RequestID"], first["Status"], first["LastUpdate"]) == (2, "Waiting", NOW)
    assert call("requests", "getRequestStatus", 2) == {"OK": True, "Value": "Assigned"}
    assert call("requests", "getRequestStatus", 1) == {"OK": True, "Value": "Waiting"}
    assert json.loads(call("requests", "getRequest", 0)["Value"])["RequestID"] == 1
    for method in ("getRequest", "peekRequest"):
        assert call("requests", method) == {"OK": True, "Value": None}
    assert call("requests", "getRequest", 2)["OK"]
    world.clock.sleep(1)
    assert json.loads(call("requests", "getRequest")["Value"])["RequestID"] == 3


def test_a_request_that_is_not_there(call):
    """Each method has its own words for it."""
    assert call("requests", "getRequest", 9)["Message"] == "getRequest: request '9' not exists"
    assert call("requests", "peekRequest", 9)["Message"] == "getRequest: request '9' not exists"
    assert call("requests", "getDigest", 9)["Message"] == "getRequest: request '9' not exists"
    assert call("requests", "cancelRequest", 9)["Message"] == "No such request 9"
    assert call("requests", "deleteRequest", 9) == {"OK": True, "Value": None}
    assert call("requests", "getRequestIDForName", "x")["Message"] == "No such request x"
    status = call("requests", "getRequestStatus", 9)
    assert (status["Errno"], status["Message"]) == (2, "No such file or directory ( 2 : Request 9 does not exist)")
    assert call("requests", "getDigest", 0) == {"OK": True, "Value": None}


def test_a_known_request_is_replaced(world, put):
    """Under its ID; its operations and files keep theirs, new ones get the next."""
    put(FORWARD, REMOVE)
    kept = world.requests.stored()[1]
    kept["RequestName"] = "changed"
    kept["Operations"].append({"Type": "ForwardDISET", "Arguments": "i2e"})
    kept["Operations"][1]["Files"].insert(0, {"LFN": "/vo/b", "Checksum": "c", "ChecksumType": "md5"})
    world.clock.sleep(10)
    assert put(*kept.pop("Operations"), **kept)["Value"] == 1
    stored = world.requests.stored()
    assert list(stored) == [1]
    assert stored[1]["RequestName"] == "changed"
    assert [operation["OperationID"] for operation in stored[1]["Operations"]] == [1, 2, 3]
    files = stored[1]["Operations"][1]["Files"]
    assert [(file["FileID"], file["OperationID"], file["ChecksumType"]) for file in files] == [
        (2, 2, "MD5"),
        (1, 2, ""),
    ]
    assert put(RequestID=7)["Value"] == 7
    assert put()["Value"] == 8


@pytest.mark.parametrize(
    ("files", "fields", "due"),
    [
        ([], {}, "2026-01-01 12:00:10"),
        ([], {"NotBefore": "2026-01-01 12:00:10"}, "2026-01-01 12:00:10"),
        ([], {"NotBefore": "2026-01-01 12:00:11"}, "2026-01-01 12:00:11"),
        ([{"Attempt": 0}], {}, "2026-01-01 12:00:10"),
        ([{"Attempt": 1}], {}, "2026-01-01 12:00:10"),
        ([{"Attempt": 0.5}], {}, "2026-01-01 11:58:46"),
        ([{"Attempt": 9}, {"Attempt": 2}, {"Attempt": 99, "Status": "Failed"}], {}, "2026-01-01 12:04:33"),
        ([{"Attempt": 9, "Status": "Done"}], {}, "2026-01-01 11:00:00"),
        ([{"Attempt": 9, "Status": "Failed"}], {}, "2026-01-01 11:00:00"),
        ([{"Attempt": 9}], {"NotBefore": "2026-01-01 12:00:10"}, "2026-01-01 12:00:10"),
        ([{"Attempt": 2}], {}, "2026-01-01 12:01:33"),
        ([{"Attempt": 9, "Status": "Scheduled"}], {}, "2026-01-01 12:00:10"),
    ],
)
def test_a_request_that_comes_back_is_due_later(world, put, files, fields, due):
    """The later, the more its waiting files were tried; one that is over keeps its time."""
    put(NotBefore="2026-01-01 11:00:00")
    assert world.requests.stored()[1]["NotBefore"] == "2026-01-01 11:00:00"
    operation = {"Type": "RemoveFile", "Files": [{"LFN": f"/vo/{i}", **file} for i, file in enumerate(files)]}
    world.clock.sleep(10.9)
    done = {"Type": "ForwardDISET", "Arguments": "i0e", "Status": "Done"}
    put(done, operation if files else FORWARD, **{"RequestID": 1, "NotBefore": "2026-01-01 11:00:00", **fields})
    assert world.requests.stored()[1]["NotBefore"] == due


def test_a_request_whose_files_were_tried_less_than_never_is_an_error(world, put):
    """DIRAC takes the logarithm of the number of tries; nothing is kept."""
    put(REMOVE)
    back = {**REMOVE, "Files": [{"LFN": "/vo/z", "Attempt": -1}]}
    world.clock.sleep(10)
    assert put(back, RequestID=1, NotBefore="2026-01-01 11:00:00")["Message"].startswith("500 Server Error")
    assert "/vo/z" not in str(world.requests.stored()[1])


@pytest.mark.parametrize("given", [1.5, "1.5", 2.5])
def test_a_number_that_is_rounded_to_that_of_another_request_is_taken(put, given):
    """DIRAC does not find the other one by it, and the database does not take it twice."""
    assert put(RequestID=given)["Value"] == given
    assert put(RequestID=given)["Message"] == (
        "putRequest: unexpected exception (MySQLdb.IntegrityError) (1062, \"Duplicate entry '2' for key 'PRIMARY'\")"
    )


def test_after_the_last_number_there_is_none(put):
    """DIRAC's columns of numbers have 31 bits."""
    assert put(RequestID=2**31 - 1)["Value"] == 2**31 - 1
    assert put()["Message"] == (
        "putRequest: unexpected exception (MySQLdb.InternalError) "
        "(167, \"Out of range value for column 'RequestID' at row 1\")"
    )


def test_the_number_zero_uses_up_numbers_of_operations(world, put):
    """The request gets a number of its own, and its operations then belong to none."""
    assert "foreign key" in put(FORWARD, RequestID=0.4)["Message"]
    put(FORWARD)
    assert [
        operation["OperationID"] for kept in world.requests.stored().values() for operation in kept["Operations"]
    ] == [2]


@pytest.mark.parametrize("number", [1, "1", "1x"])
def test_a_cancelled_request_is_found_by_each_form_of_its_number(world, call, put, number):
    """The database reads the number at the beginning of a text."""
    put()
    call("requests", "cancelRequest", 1)
    assert put(RequestID=number, RequestName="back") == {"OK": True, "Value": number}
    assert world.requests.stored()[1]["RequestName"] == "one"


@pytest.mark.parametrize("method", ["getRequest", "cancelRequest"])
def test_a_number_with_text_after_it_changes_a_request_of_a_lenient_database_only(world, call, put, method):
    """A database in strict mode reads it, and refuses to change what it finds by it; nothing is changed."""
    put()
    before = world.requests.saved()
    assert "(1292, \"Truncated incorrect DECIMAL value: '1x'\")" in call("requests", method, "1x")["Message"]
    assert world.requests.saved() == before
    world.strict = False
    assert call("requests", method, "1x")["OK"]
    assert world.requests.saved() != before


def test_a_request_that_is_done_and_taken_again_reads_changed_now(world, call, put):
    """It is stored as Assigned, and its status, which is computed anew, becomes Done when it is read."""
    put({**FORWARD, "Status": "Done"})
    read = []
    for _ in range(2):
        world.clock.sleep(5)
        read.append(json.loads(call("requests", "peekRequest", 1)["Value"])["LastUpdate"])
        call("requests", "getRequest", 1)
    assert read == [NOW, "2026-01-01 12:00:10"]


@pytest.mark.parametrize(("bad", "number"), [(0, 1), (1, 4), (2, 4)])
def test_a_statement_uses_up_the_numbers_of_all_its_rows_unless_the_first_is_refused(world, put, bad, number):
    """The next operation gets the number after them."""
    operations = [{"Type": f"Type{i}"} for i in range(3)]
    operations[bad]["Type"] = "t" * 65
    assert "(1406, " in put(*operations)["Message"]
    put(FORWARD)
    assert [operation["OperationID"] for operation in world.requests.stored()[2]["Operations"]] == [number]


def test_a_cancelled_request_stays_so(world, call, put):
    """Putting it back is acknowledged and ignored."""
    put()
    world.clock.sleep(5)
    assert call("requests", "cancelRequest", 1) == {"OK": True, "Value": None}
    assert put(RequestID=1, RequestName="back") == {"OK": True, "Value": 1}
    kept = world.requests.stored()[1]
    assert (kept["RequestName"], kept["LastUpdate"]) == ("one", "2026-01-01 12:00:05")
    assert call("requests", "getRequestStatus", 1)["Value"] == "Canceled"


def test_a_deleted_request_is_gone(world, call, put):
    """Its ID is not given again."""
    put()
    call("requests", "deleteRequest", 1)
    assert world.requests.stored() == {}
    assert put()["Value"] == 2


def test_a_boolean_makes_booleans_of_all_jobs(call):
    """SQLAlchemy takes the type of the first value in the set, and refuses those that are not of it."""
    assert call("requests", "getRequestIDsForJobs", [True, 78.5])["Message"] == (
        "getRequestIDsForJobs: unexpected exception : (builtins.TypeError) Not a boolean value: 78.5"
    )
    assert call("requests", "readRequestsForJobs", [77, True])["Message"] == (
        "readRequestsForJobs: unexpected exception : (builtins.ValueError) Value 77 is not None, True, or False"
    )
    assert call("requests", "getRequestIDsForJobs", [True, None])["Value"] == {
        "Successful": {},
        "Failed": {"true": "Request not found", "null": "Request not found"},
    }


def test_requests_are_found_by_name_and_job(call, put):
    """A name that several have is an error; of several requests of a job the last counts."""
    put(JobID=77)
    put(JobID=77, RequestName="two")
    assert call("requests", "getRequestIDForName", "two") == {"OK": True, "Value": 2}
    put(RequestName="two", JobID=78)
    assert call("requests", "getRequestIDForName", "two")["Message"] == "RequestName two not unique (2 matches)"
    assert call("requests", "getRequestIDsForJobs", [79, 77]) == {
        "OK": True,
        "Value": {"Successful": {"77": 2}, "Failed": {"79": "Request not found"}},
    }
    assert call("requests", "getRequestIDsForJobs", 78)["Value"] == {"Successful": {"78": 3}, "Failed": {}}
    assert call("requests", "getRequestIDsForJobs", [])["Message"] == "Must provide jobID list as argument."
    texts = call("requests", "readRequestsForJobs", [77])["Value"]["Successful"]
    assert texts == {"77": call("requests", "peekRequest", 2)["Value"]}


def test_what_can_be_merged_is_merged(world, put):
    """Before it is kept."""
    put(FORWARD, FORWARD)
    assert len(world.requests.stored()[1]["Operations"]) == 1


def test_a_digest_is_one_line_an_operation(call, put):
    """Type twice, status, order, and what is there of storage, catalogue and files."""
    files = [{"LFN": "/vo/a"}, {"LFN": "/vo/b"}]
    put(FORWARD, {"Type": "RemoveReplica", "TargetSE": "SE", "Catalog": "FC", "Files": files}, REMOVE)
    assert call("requests", "getDigest", 1)["Value"] == (
        "Name:one\n"
        "ForwardDISET:ForwardDISET:Waiting:0\n"
        "RemoveReplica:RemoveReplica:Queued:1:SE:FC:/vo/a...+<1 files>\n"
        "RemoveFile:RemoveFile:Queued:2:/vo/a"
    )
    assert call("requests", "getRequestStatus", 1)["Value"] == "Waiting"


def test_a_proxy_saves_and_sweeps(world, call):
    """The same text is saved once; a sweep hands on ten, as the host that may put anybody's."""
    assert call("req-proxy", "putRequest", _text()) == {"OK": True, "Value": {"set": False, "saved": True}}
    call("req-proxy", "putRequest", _text())
    assert call("req-proxy", "getStatus") == {"OK": True, "Value": 1}
    for number in range(11):
        call("req-proxy", "putRequest", _text(RequestName=f"n{number}"))
    names = call("req-proxy", "listCacheDir")["Value"]
    assert len(names) == 12
    assert all(len(name) == 32 for name in names)
    world.caller = caller = Caller("nobody", "none", ())
    callers = set()
    world.arm(Fault("requests", schedule=lambda _: callers.add(world.caller)))
    assert world.request_proxy.sweep() == 10
    assert world.caller is caller
    assert callers == {Caller("proxy-host", "hosts", ("FullDelegation",))}
    assert list(world.request_proxy.state["cache"]) == names[10:]
    assert [kept["RequestName"] for kept in world.requests.stored().values()] == ["one", *(f"n{i}" for i in range(9))]
    assert {kept["Owner"] for kept in world.requests.stored().values()} == {"alice"}


def test_what_the_service_does_not_take_stays_at_the_proxy(world, call):
    """The next sweep tries again; calls of a sweep are in the journal."""
    call("req-proxy", "putRequest", _text())
    world.requests.down()
    assert world.request_proxy.sweep() == 0
    world.recover()
    assert world.request_proxy.sweep() == 1
    assert world.journal.methods() == ["req-proxy.putRequest", "requests.putRequest", "requests.putRequest"]
    assert call("req-proxy", "getStatus")["Value"] == 0


def test_an_id_may_be_a_text(call, put):
    """A database knows its numbers by their texts; what is no number is no request's."""
    put()
    assert call("requests", "getRequestStatus", "1") == {"OK": True, "Value": "Waiting"}
    assert json.loads(call("requests", "peekRequest", "1")["Value"])["RequestID"] == 1
    assert call("requests", "getDigest", "1")["OK"]
    assert call("requests", "peekRequest", "x")["Message"] == "getRequest: request 'x' not exists"
    assert call("requests", "cancelRequest", "x")["Message"] == "No such request x"
    assert call("requests", "cancelRequest", "1")["OK"]
    assert call("requests", "getRequestStatus", 1)["Value"] == "Canceled"
    assert call("requests", "deleteRequest", "x") == {"OK": True, "Value": None}
    assert call("requests", "deleteRequest", "1") == {"OK": True, "Value": None}
    assert not call("requests", "getRequestStatus", 1)["OK"]


@pytest.mark.parametrize("database", [True, False])
def test_a_proxy_that_has_the_database_asks_no_service(world, call, database):
    """It takes what the service would refuse, even while that is down."""
    call("req-proxy", "putRequest", _text(Operations=[{"Type": "ForwardDISET"}]))
    world.requests.down()
    assert world.request_proxy.sweep(database=database) == int(database)
    assert len(world.requests.state["requests"]) == int(database)
    assert not database or world.requests.put(_text(RequestName="n" * 256))["OK"] is False
    refused = call("req-proxy", "putRequest", _text(Operations=[json.dumps({"Type": "RemoveFile"})]))
    assert refused["Message"].endswith("'str' object has no attribute 'get'")


def test_each_request_proxy_has_a_host_and_a_cache():
    """A fault for one of them leaves the others alone; one without a host is for all."""
    world, url = World(proxies=("two",)), "dips://{}.org:9161/RequestManagement/ReqProxy"

    def taken(*faults):
        for fault in faults:
            world.arm(fault)
        answers = [world(url.format(host), "putRequest", (_text(),))["OK"] for host in ("one", "two", "other")]
        world.recover()
        return answers

    assert taken("req-proxy/one:down") == [False, True, True]
    assert taken() == [True, True, True]
    assert [len(state["cache"]) for name, state in world.snapshot().items() if "req-proxy" in name] == [1, 1, 1]
    assert taken("req-proxy:down") == [False, False, False]
    world.service("req-proxy/two").sweep()
    assert [len(world.service(f"req-proxy/{host}").state["cache"]) for host in ("one", "two")] == [1, 0]
