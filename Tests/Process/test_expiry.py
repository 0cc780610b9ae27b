"""Lists end at their expiry by themselves, and stay ended."""

import datetime
import time

import harness


def soon(seconds):
    """A time that many seconds ahead or a little more, in whole seconds, as LIST CREATE takes it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds + 1)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def finished(connection):
    """The campaign's map once it is finished, else nothing."""
    info = connection.call_map("CAMPAIGN", "INFO", "summer")
    return info if info[b"state"] == b"finished" else None


def test_a_campaign_finishes_at_its_lists_expiry_without_any_request(start):
    # Goal: no request is needed. Method: a list that expires in a second or two; nobody asks anything until
    # the server's log says that the campaign is finished.
    server = start()
    harness.make_campaign(server)
    with server.connect() as connection:
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
        expiry = soon(1)
        connection.call("LIST", "SET", "june", "EXPIRES", expiry)
        line = server.wait_log("campaign.finished", 10)
        assert "expired" in line and "summer" in line
        # The line is written when the change is durable, a moment before every loop has it.
        info = harness.wait_until(lambda: finished(connection), "it is finished", 10)
        assert info[b"reason"] == b"expired"
        assert (
            info[b"finished-at"].decode()[:19] == expiry[:19]
        ), "it finished within the second of its deadline"
        for user in ["u1", "u2"]:
            assert connection.error_of("ALLOC", "summer", user) == "EXPIRED"
        assert connection.call_map("LIST", "INFO", "june")[b"expired"] == 1
        assert connection.error_of("CAMPAIGN", "RESUME", "summer") == "EXPIRED"
        connection.call("LIST", "SET", "june", "EXPIRES", "NEVER")
        assert connection.call_map("CAMPAIGN", "INFO", "summer")[b"state"] == b"finished"
        assert connection.error_of("ALLOC", "summer", "u2") in ("EXPIRED", "FINISHED")
        assert connection.call("CAMPAIGN", "RESUME", "summer") == b"OK"
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"


def test_polling_sees_the_campaign_finish(start):
    # Goal: as an operator sees it. Method: a list created with an expiry; CAMPAIGN INFO until it is finished.
    server = start()
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE", "EXPIRES", soon(1))
        harness.get_upload(connection, "june", harness.codes(10))
        connection.call("CAMPAIGN", "CREATE", "summer", "LIST", "june")
        assert connection.call("ALLOC", "summer", "u1") == b"C00000001"
        info = harness.wait_until(lambda: finished(connection), "it is finished", 10)
        assert info[b"reason"] == b"expired"


def test_an_expiry_that_passes_while_the_server_is_down_counts(start):
    # Goal: a start behind the deadline gives nothing. Method: kill before the deadline, wait for it, start.
    server = start()
    harness.make_campaign(server)
    server.call("ALLOC", "summer", "u1")
    expiry = soon(0)
    server.call("LIST", "SET", "june", "EXPIRES", expiry)
    server.kill()
    deadline = datetime.datetime.strptime(expiry, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    harness.wait_until(lambda: time.time() > deadline.timestamp(), "the deadline has passed")
    again = start()
    with again.connect() as connection:
        assert connection.error_of("ALLOC", "summer", "u1") == "EXPIRED"
        info = harness.wait_until(lambda: finished(connection), "it is finished", 10)
        assert info[b"reason"] == b"expired"
        connection.call("LIST", "CREATE", "july", "UNIQUE")
    again.kill()
    with start().connect() as connection:
        assert connection.call_map("CAMPAIGN", "INFO", "summer")[b"reason"] == b"expired"


def test_a_date_ends_with_the_day_in_the_servers_zone(start):
    # Goal: a date without a time is the end of that day in the configured zone. Method: New York, in winter.
    server = start("--time-zone", "America/New_York")
    with server.connect() as connection:
        connection.call("LIST", "CREATE", "june", "UNIQUE", "EXPIRES", "2035-12-31")
        assert connection.call_map("LIST", "INFO", "june")[b"expires-at"] == b"2036-01-01T04:59:59.999Z"
        for wrong in ["2035-02-30", "tomorrow", "2035-12-31T25:00Z", "31.12.2035"]:
            assert connection.error_of("LIST", "SET", "june", "EXPIRES", wrong) == "SYNTAX"
