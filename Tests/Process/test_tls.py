"""Connections over TLS: who is trusted, what is refused, certificates that are exchanged under way, and the
limits."""

import shutil
import signal
import socket
import ssl
import struct
import subprocess

import pytest
import redis

import certificates
import harness

# As the server has them.
HANDSHAKE_SECONDS = 10


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates.Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("server")


def flags(pair, client_authority=None):
    words = ["--tls-certificate", pair.certificate, "--tls-key", pair.key]
    return [*words, *(["--tls-client-ca", client_authority.certificate] if client_authority else [])]


@pytest.fixture
def secure(start, authority, pair):
    """A server that speaks TLS, with 1000 codes."""
    server = start(*flags(pair), tls=authority.client())
    harness.make_campaign(server)
    return server


def ctl(server, *words):
    return harness.run_tool(*words, "--server", f"tls://localhost:{server.port}")


def everything(connection):
    """What comes until the server closes."""
    read = b""
    try:
        while more := connection.socket.recv(65_536):
            read += more
    except ConnectionError:
        pass
    return read


# MARK: - Who speaks to whom


def test_redis_clients_work_over_tls(secure, authority):
    # Goal: clients as they are. Method: redis-py alone and in a pipeline, redis-cli, and an upload in chunks.
    with redis.Redis(
        host="localhost", port=secure.port, ssl=True, ssl_ca_certs=str(authority.certificate), decode_responses=True
    ) as client:
        assert client.execute_command("ALLOC", "summer", "u1") == "C00000001"
        with client.pipeline(transaction=False) as pipeline:
            for number in range(2, 902):
                pipeline.execute_command("ALLOC", "summer", f"u{number}")
            assert pipeline.execute() == [f"C{number:08d}" for number in range(2, 902)]
    done = subprocess.run(
        ["redis-cli", "-h", "localhost", "-p", str(secure.port), "--tls", "--cacert", authority.certificate,
         "ALLOC", "summer", "u1"], capture_output=True, timeout=harness.DEADLINE_SECONDS)
    assert done.stdout == b"C00000001\n", done.stderr
    assert harness.ledger(secure)["given"] == 901


def test_tearoffctl_works_over_tls(secure, authority):
    # Goal: --tls, --ca, tls:// and TEAROFF_CA. Method: the same question in each form, by name and by address.
    for words in (
        ["--host", "localhost", "--port", secure.port, "--tls", "--ca", authority.certificate],
        ["--server", f"tls://127.0.0.1:{secure.port}", "--ca", authority.certificate],
    ):
        done = harness.run_tool("alloc", "summer", "u1", *words)
        assert (done.returncode, done.stdout) == (0, "C00000001\n"), done.stderr
    done = subprocess.run(
        [harness.TEAROFFCTL, "ping"], capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS,
        env={"TEAROFF_SERVER": f"tls://localhost:{secure.port}", "TEAROFF_CA": str(authority.certificate)})
    assert (done.returncode, done.stdout) == (0, "PONG\n"), done.stderr


def test_tearoffctl_trusts_only_whom_it_should(start, secure, authority, tmp_path):
    # Goal: a server that nobody vouches for, or for another name, gets nothing, no password either. Method: the
    # system's authorities, another one, a certificate for another name, and that with the name's check off.
    stranger = certificates.Authority(tmp_path, "stranger")
    for words in ([], ["--ca", stranger.certificate]):
        done = ctl(secure, "ping", *words)
        assert done.returncode == 69 and "not signed by anybody who is trusted" in done.stderr, done.stderr
    named = start(*flags(authority.issue("named", "DNS:other.example")), on=harness.new_directory(), tls=None)
    done = ctl(named, "ping", "--ca", authority.certificate)
    assert done.returncode == 69 and "for another name than localhost" in done.stderr, done.stderr
    assert ctl(named, "ping", "--ca", authority.certificate, "--any-host-name").stdout == "PONG\n"
    done = ctl(named, "ping", "--ca", stranger.certificate, "--any-host-name")
    assert done.returncode == 69 and "not signed" in done.stderr, done.stderr
    missing = tmp_path / "missing.pem"
    done = ctl(secure, "ping", "--ca", missing)
    assert done.returncode == 69 and str(missing) in done.stderr


def test_clear_and_encrypted_do_not_mix(start, secure, authority):
    # Goal: nothing is served in clear where TLS is asked for, and each side says what is wrong. Method: each kind of
    # client on the other kind of server.
    server = start(on=harness.new_directory())
    with secure.connect(tls=None) as connection:
        connection.send_bytes(harness.encode("ALLOC", "summer", "u1"))
        assert everything(connection)[:1] in (b"", b"\x15")  # Nothing, or TLS's own alert.
    done = ctl(server, "ping", "--ca", authority.certificate)
    assert done.returncode == 69 and "does not speak TLS" in done.stderr, done.stderr
    done = harness.tool(secure, "ping")
    assert done.returncode in (69, 70) and "want TLS?" in done.stderr, done.stderr
    assert harness.ledger(secure)["given"] == 0


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_what_is_older_than_tls_1_2_is_refused(secure, authority, version):
    # Goal: 1.2 is the minimum. Method: clients that can do nothing else; the alert is the server's.
    with pytest.raises(ssl.SSLError) as refused:
        secure.connect(tls=authority.client(version=ssl.TLSVersion[version]))
    assert "PROTOCOL_VERSION" in str(refused.value) or "protocol version" in str(refused.value)


def test_tls_1_3_goes_first_and_1_2_works(secure, authority):
    # Goal: both. Method: what was agreed on.
    with secure.connect() as connection:
        assert connection.socket.version() == "TLSv1.3"
        assert connection.call("PING") == b"PONG"
    with secure.connect(tls=authority.client(version=ssl.TLSVersion.TLSv1_2)) as connection:
        assert connection.socket.version() == "TLSv1.2"
        assert connection.call("PING") == b"PONG"


# MARK: - Client certificates


def test_only_clients_with_a_certificate_get_in(start, authority, pair, tmp_path):
    # Goal: with --tls-client-ca nobody gets in without a certificate of that authority. Method: none, one of another
    # authority, and a right one; redis-py and tearoffctl.
    guests, strangers = certificates.Authority(tmp_path, "guests"), certificates.Authority(tmp_path, "strangers")
    guest = guests.issue("guest")
    server = start(*flags(pair, guests), tls=authority.client(guest))
    assert server.call("PING") == b"PONG"
    for shown in (None, strangers.issue("spy")):
        with pytest.raises((ssl.SSLError, harness.Closed, ConnectionError)):
            with server.connect(tls=authority.client(shown)) as connection:
                connection.call("PING")
    trusted = ["--ca", authority.certificate]
    done = ctl(server, "ping", *trusted)
    assert done.returncode == 69 and "client's certificate" in done.stderr, done.stderr
    spy = ["--certificate", tmp_path / "spy.pem", "--certificate-key", tmp_path / "spy.key"]
    done = ctl(server, "ping", *trusted, *spy)
    assert done.returncode == 69 and "client's certificate" in done.stderr, done.stderr
    done = ctl(server, "ping", *trusted, "--certificate", guest.certificate, "--certificate-key", guest.key)
    assert done.stdout == "PONG\n", done.stderr
    with redis.Redis(
        host="localhost", port=server.port, ssl=True, ssl_ca_certs=str(authority.certificate),
        ssl_certfile=str(guest.certificate), ssl_keyfile=str(guest.key)
    ) as client:
        assert client.ping()


# MARK: - The files


def wrong_files(authority, pair, directory):
    """Each with what the message must say."""
    directory.mkdir(parents=True, exist_ok=True)
    text, locked = directory / "text.pem", directory / "locked.key"
    text.write_text("not a certificate\n")
    certificates.openssl("pkcs8", "-topk8", "-in", pair.key, "-out", locked, "-passout", "pass:secret")
    cut = directory / "cut.pem"
    cut.write_bytes(pair.certificate.read_bytes()[:300])
    other = authority.issue("other")
    missing = directory / "missing.pem"
    return {
        "no such file": (certificates.Pair(missing, pair.key), missing),
        "no certificate": (certificates.Pair(text, pair.key), text),
        "damaged": (certificates.Pair(cut, pair.key), cut),
        "no private key": (certificates.Pair(pair.certificate, text), text),
        "passphrase": (certificates.Pair(pair.certificate, locked), locked),
        "not the key of": (certificates.Pair(pair.certificate, other.key), other.key),
    }


def test_a_start_with_wrong_files_is_refused(directory, authority, pair, tmp_path):
    # Goal: 78, the file and what is wrong with it, and no data directory is made. Method: each kind of wrong file.
    for words, (wrong, file) in wrong_files(authority, pair, tmp_path).items():
        code, output = harness.exit_of(*flags(wrong), directory=directory)
        assert code == 78 and words in output and str(file) in output, output
    code, output = harness.exit_of(*flags(pair), "--tls-client-ca", tmp_path / "text.pem", directory=directory)
    assert code == 78 and "text.pem" in output
    for incomplete in (["--tls-key", pair.key], ["--tls-certificate", pair.certificate],
                       ["--tls-client-ca", authority.certificate]):
        code, output = harness.exit_of(*incomplete, directory=directory)
        assert code == 78 and "go together" in output
    assert not directory.exists()


def certificate_of(connection):
    return connection.socket.getpeercert()["subject"][0][0][1]


def test_certificates_are_exchanged_without_a_restart(start, authority, pair, tmp_path):
    # Goal: after SIGHUP new connections get the new certificate, those that are open go on, and wrong files change
    # nothing. Method: files that are replaced under way; the name in the certificate that clients see.
    shown = certificates.Pair(tmp_path / "shown.pem", tmp_path / "shown.key")

    def show(files):
        for source, target in zip(files, shown):
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copy(source, target)

    show(pair)
    server = start(*flags(shown), tls=authority.client())
    harness.make_campaign(server)
    with server.connect() as old:
        assert certificate_of(old) == "server"
        for words, (wrong, _) in wrong_files(authority, pair, tmp_path / "wrong").items():
            show(wrong)
            lines = server.log.count("tls.reload-refused")
            server.signal(signal.SIGHUP)
            harness.wait_until(lambda: server.log.count("tls.reload-refused") > lines, words)
            refused = [line for line in server.lines if "tls.reload-refused" in line][-1]
            assert words in refused and str(tmp_path) in refused, refused
            with server.connect() as connection:
                assert certificate_of(connection) == "server"
        show(authority.issue("renewed"))
        server.signal(signal.SIGHUP)
        harness.wait_until(lambda: server.log.count("tls.loaded") == 2, "the new certificate")
        with server.connect() as new:
            assert certificate_of(new) == "renewed"
            assert new.call("ALLOC", "summer", "u1") == b"C00000001"
        assert old.call("ALLOC", "summer", "u1") == b"C00000001"
    server.stop()


def test_the_client_authority_is_exchanged_too(start, authority, pair, tmp_path):
    # Goal: who is no longer trusted does not come back, not by a resumed session either. Method: another authority in
    # the same file; a client that brings the session of its last connection.
    first, second = certificates.Authority(tmp_path, "first"), certificates.Authority(tmp_path, "second")
    trusted = tmp_path / "trusted.pem"
    shutil.copy(first.certificate, trusted)
    guest = authority.client(first.issue("guest"), version=ssl.TLSVersion.TLSv1_2)
    server = start(*flags(pair), "--tls-client-ca", trusted, tls=guest)
    with server.connect() as connection:
        assert connection.call("PING") == b"PONG"
        session = connection.socket.session
    shutil.copy(second.certificate, trusted)
    server.signal(signal.SIGHUP)
    harness.wait_until(lambda: server.log.count("tls.loaded") == 2, "the new authority")
    with socket.create_connection(("127.0.0.1", server.port), timeout=harness.DEADLINE_SECONDS) as plain:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            guest.wrap_socket(plain, server_hostname="localhost", session=session).send(b"PING\r\n")
    assert server.connect(tls=authority.client(second.issue("other"))).call("PING") == b"PONG"


def test_sighup_without_a_certificate_changes_nothing(server):
    # Goal: a signal for nothing is told and does not end the server. Method: one.
    server.signal(signal.SIGHUP)
    server.wait_log("reload.nothing")
    assert server.call("PING") == b"PONG"


def test_a_certificate_that_ends_soon_is_warned_of(start, authority):
    # Goal: the log and INFO tell how long it lasts. Method: one of a day, then one of a month.
    server = start(*flags(authority.issue("short", days=1)), tls=authority.client())
    assert "days=0" in server.wait_log("tls.certificate-expires") or "days=1" in server.log
    assert 0 < server.info()["tls_certificate_expires"] - server.info()["server_time_usec"] / 1e6 <= 86_400
    assert server.info()["tls"] == 1
    server.stop()
    server = start(*flags(authority.issue("long")), tls=authority.client())
    assert "tls.loaded" in server.log and "tls.certificate-expires" not in server.log


# MARK: - Limits


def test_handshakes_count_as_connections_and_end_in_time(start, authority, pair):
    # Goal: who never finishes a handshake neither exceeds the limit of connections nor keeps its place. Method: three
    # silent sockets where three are allowed; the next is closed unheard; the silent ones are closed, and there is
    # room.
    server = start(*flags(pair), "--max-connections", 3, tls=authority.client())
    silent = [harness.Connection(server.port) for _ in range(3)]
    with harness.closing(silent):
        silent[1].send_bytes(b"\x16\x03\x01\x02\x00")  # The head of a handshake whose rest does not come.
        with harness.Connection(server.port) as late:
            assert late.is_closed()
        for connection in silent:
            assert connection.is_closed()

        def is_served():
            try:
                return server.call("PING") == b"PONG"
            except (OSError, harness.Closed):
                return False

        harness.wait_until(is_served, "there is room again")
    server.wait_log(f"within {HANDSHAKE_SECONDS} s")
    assert server.info()["connected_clients"] == 1


def test_failed_handshakes_are_counted_and_seldom_told(secure):
    # Goal: a flood of failed handshakes does not flood the log. Method: 50 that are no TLS; the figure tells all.
    for _ in range(50):
        with secure.connect(tls=None) as connection:
            connection.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
            everything(connection)
    harness.wait_until(lambda: secure.info()["tls_handshakes_failed"] == 50, "all are counted")
    lines = [line for line in secure.lines if "tls.handshake-failed" in line]
    assert 1 <= len(lines) <= 3
    assert "address=127.0.0.1" in lines[0] and "HTTP_REQUEST" in lines[0]
    assert "/" not in lines[0].split("reason=")[1]


def test_a_client_that_does_not_read_stops_itself(secure):
    # Goal: replies wait encrypted no more than in clear. Method: a flood of ECHO that nobody reads; the server's
    # memory; another client is served.
    piece = harness.encode("ECHO", b"m" * 4_000) * 250
    before = secure.resident_bytes()
    with secure.connect() as flood:
        flood.socket.settimeout(0.5)
        sent = 0
        try:
            while sent < 200 << 20:
                sent += flood.socket.send(piece)
        except TimeoutError:
            pass
        assert 0 < sent < 100 << 20
        assert secure.resident_bytes() - before < 32 << 20
        assert secure.call("PING") == b"PONG"


def test_a_reset_in_a_handshake_leaves_nothing(secure):
    # Goal: no connection is leaked. Method: 200 that are reset before or inside the handshake.
    for number in range(200):
        connection = secure.connect(tls=None)
        if number % 2:
            connection.send_bytes(b"\x16\x03\x01\x00\x80\x01")
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    harness.wait_until(lambda: secure.info()["connected_clients"] == 1, "all are gone")


def test_a_stop_says_goodbye_and_is_not_held_up(secure):
    # Goal: a clean stop answers what was read and ends TLS as it should, whether or not clients do. Method: one
    # client that reads to the end, one that never does anything, one in a handshake.
    with secure.connect() as reading, secure.connect() as idle, secure.connect(tls=None):
        assert reading.call("ALLOC", "summer", "u1") == b"C00000001"
        assert idle.call("PING") == b"PONG"
        secure.stop()
        assert reading.socket.recv(1) == b""  # Without its goodbye this would be an error.
