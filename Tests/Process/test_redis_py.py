"""redis-py works with the server as it is: plain, pipelined, with RESP3, and its parsers of Redis's own
replies."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import harness


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(request, server):
    harness.make_campaign(server, count=5_000)
    with redis.Redis(port=server.port, protocol=request.param, decode_responses=True) as client:
        yield client


def fields(reply):
    """A map as redis-py gives it: a dictionary with RESP3, a flat list with RESP2."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


def test_plain_commands_give_codes_in_upload_order(client):
    # Goal: the plain way of redis-py. Method: two users, one of them twice.
    assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
    assert client.execute_command("ALLOC", "summer", "u2") == "C00000002"
    full = fields(client.execute_command("ALLOC", "summer", "u1", "FULL"))
    assert (full["code"], full["status"], full["ordinal"]) == ("C00000001", "repeat", 0)
    assert full["expires-at"] is None


def test_bytes_stay_bytes_without_decoding(server):
    # Goal: the default of redis-py, which decodes nothing. Method: a user that is not UTF-8.
    harness.make_campaign(server)
    with redis.Redis(port=server.port) as client:
        user = b"\xff\x00 '\"\r\n"
        assert client.execute_command("ALLOC", "summer", user) == b"C00000001"
        assert client.execute_command("ALLOC", "summer", user) == b"C00000001"


def test_a_pipeline_gets_every_reply_in_order(client):
    # Goal: replies of a pipeline keep their order. Method: 3,000 new users at once, then the same again one
    # by one.
    with client.pipeline(transaction=False) as pipeline:
        for number in range(3_000):
            pipeline.execute_command("ALLOC", "summer", f"user-{number}")
        replies = pipeline.execute()
    assert replies == [f"C{number:08d}" for number in range(1, 3_001)]
    for number in [0, 1_499, 2_999]:
        assert client.execute_command("ALLOC", "summer", f"user-{number}") == replies[number]


def test_errors_in_a_pipeline_stay_where_they_belong(client):
    # Goal: an error is one reply among others. Method: a campaign that is not there, in the middle.
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("ALLOC", "summer", "u1")
        pipeline.execute_command("ALLOC", "winter", "u1")
        pipeline.execute_command("PING")
        first, second, third = pipeline.execute(raise_on_error=False)
    assert (first, third) == ("C00000001", True)
    assert isinstance(second, redis.ResponseError) and str(second).startswith("NOCAMPAIGN")


def test_commands_about_the_connection(client):
    # Goal: what redis-py sends and parses on its own. Method: each through its own method.
    assert client.ping() is True
    assert client.echo("hello") == "hello"
    assert client.client_setname("worker-1")
    assert client.client_getname() == "worker-1"
    assert client.client_id() > 0
    assert client.client_info()["name"] == "worker-1"
    assert any(entry["name"] == "worker-1" for entry in client.client_list())
    assert client.config_get("save") == {"save": ""}


def test_client_list_shows_every_connection(start):
    # Goal: CLIENT LIST tells of all connections, whichever loop has them. Method: ten of them, two loops.
    server = start("--threads", "2")
    with harness.closing([server.connect() for _ in range(10)]) as connections:
        for number, connection in enumerate(connections):
            connection.call("CLIENT", "SETNAME", f"worker-{number}")
        with redis.Redis(port=server.port, decode_responses=True) as client:
            names = {entry["name"] for entry in client.client_list()}
    assert {f"worker-{number}" for number in range(10)} <= names


def test_command_tables_parse(client):
    # Goal: COMMAND and its kin as redis-py expects them. Method: its parsers.
    commands = client.command()
    assert "alloc" in commands and commands["alloc"]["arity"] == -3
    assert client.command_count() == len(commands)
    assert sorted(name.lower() for name in client.command_list()) == sorted(commands)
    assert client.command_getkeys("ALLOC", "summer", "u1") == ["u1"]


def test_info_parses(client):
    # Goal: INFO in Redis's form. Method: redis-py's parser, all and one section.
    client.execute_command("ALLOC", "summer", "u1")
    client.execute_command("ALLOC", "summer", "u1")
    info = client.info()
    assert (info["redis_mode"], info["loading"]) == ("standalone", 0)
    assert (info["allocations_given"], info["allocations_repeated"]) == (1, 1)
    assert (info["allocations_parked"], info["shard_mutex_waits"]) == (0, 0)
    # The manual names them all; of those that begin alike, the first in full.
    manual = (harness.ROOT / "docs" / "PROTOCOL.md").read_text()
    stats = [name.removeprefix("allocations").removeprefix("holds") for name in client.info("stats")]
    assert all(f"{name}`" in manual for name in stats), stats
    assert "allocations_given" in client.info("stats") and "lists" not in client.info("stats")


def test_hello_tells_the_protocol(server):
    # Goal: HELLO with and without a version. Method: raw, on one connection.
    with server.connect() as connection:
        assert connection.call_map("HELLO")[b"proto"] == 2
        hello = connection.call("HELLO", 3, "SETNAME", "me")
        assert hello[b"server"] == b"tearoff" and hello[b"proto"] == 3 and hello[b"modules"] == []
        assert connection.call("CLIENT", "GETNAME") == b"me"
        assert connection.error_of("HELLO", 4) == "NOPROTO"
        assert isinstance(connection.call("CONFIG", "GET", "save"), dict), "the version stays"


def test_reset_puts_a_connection_back(server):
    # Goal: RESET: RESP2, no name, uploads dropped. Method: set all three, reset, look.
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE")
        connection.call("HELLO", 3, "SETNAME", "me")
        upload = connection.call("LIST", "LOAD", "june", "BEGIN")
        assert connection.call("RESET") == b"RESET"
        assert connection.call("CLIENT", "GETNAME") in (None, b"")
        assert isinstance(connection.call("CONFIG", "GET", "save"), list)
        assert connection.error_of("LIST", "LOAD", "june", "CHUNK", upload, "A\n") == "NOUPLOAD"


def test_a_password_is_asked_for(start, tmp_path):
    # Goal: nothing but AUTH, HELLO, QUIT and RESET before it. Method: redis-py with the right and a wrong
    # one.
    secret = tmp_path / "password"
    secret.write_text("opensesame\n")
    server = start("--password-file", secret)
    with server.connect() as connection:
        assert connection.error_of("LIST", "ALL") == "NOAUTH"
        assert connection.error_of("SHUTDOWN") == "NOAUTH"
        assert connection.error_of("INFO") == "NOAUTH"
    with redis.Redis(port=server.port, password="opensesame", protocol=3) as client:
        assert client.ping()
    with redis.Redis(port=server.port, username="default", password="opensesame") as client:
        assert client.ping()
    once = Retry(NoBackoff(), 0)  # By itself it tries a wrong password again, for half a minute.
    with redis.Redis(port=server.port, password="opensesam", retry=once) as client, pytest.raises(
        redis.RedisError
    ) as caught:
        client.ping()
    assert "WRONGPASS" in str(caught.value) or "invalid username-password" in str(caught.value)
