"""The haproxy command: what it prints for which shape, and what it refuses."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vaultrelay.commands import haproxy
from vaultrelay.policy.limits import (
    ANNOUNCE_TICK_SECONDS,
    DOUBT_SECONDS,
    HEAD_SECONDS,
    HELLO_SECONDS,
    PING_RANGE,
    PONG_SECONDS,
    TICKS_A_ROUND,
)

DEPLOYED = sorted((Path(__file__).parents[2] / "deploy" / "haproxy").glob("*.cfg"))
SECONDS = {"s": 1, "m": 60, "h": 3600}
TWO = [
    *("--node", "10.0.0.2:8080", "--node", "b=[fd00::2]:8080"),
    *("--peer", "left=10.0.0.8:10234", "--peer", "right=10.0.0.9:10234"),
]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines of a configuration, without what is before them."""
    assert haproxy.main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [line.strip() for line in out.splitlines()]


def seconds(lines: list[str], name: str) -> int:
    """What a timeout or the like is set to."""
    found = [re.search(rf"\b{name} (\d+)([smh])\b", line) for line in lines]
    [match] = [each for each in found if each]
    return int(match[1]) * SECONDS[match[2]]


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_a_deployed_file_is_what_the_command_in_it_prints(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, command, *arguments = shlex.split(path.read_text().splitlines()[1].lstrip("# "))
    assert (program, command) == ("vault-relay", "haproxy")
    assert haproxy.main(arguments) == 0
    assert capsys.readouterr().out == path.read_text(), "run the command in its second line"


def test_workers_are_on_sockets_that_their_group_opens(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--workers", "2", "--spare", "1", "--sockets", "/srv/relays/")
    peers = lines.index("table held type binary len 32 size 69000 expire 100s")
    assert lines[peers - 3 : peers] == [
        "server w1 unix@/srv/relays/1/devices",
        "server w2 unix@/srv/relays/2/devices",
        "server w3 unix@/srv/relays/3/devices",
    ]
    assert [line for line in lines[peers:] if line.startswith("server w")] == [
        "server w1 unix@/srv/relays/1/devices id 1",
        "server w2 unix@/srv/relays/2/devices id 2",
        "server w3 unix@/srv/relays/3/devices id 3 disabled",
    ]
    assert "group vault-relay" in lines
    assert "#     --listen haproxy:unix:/srv/relays/1/devices:mode=660" in lines


def test_an_older_haproxy_is_told_so_before_it_reads_on(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--workers", "1")
    at = lines.index(".if version_before(2.6)")
    assert lines[at + 1].startswith('.alert "This configuration needs HAProxy 2.6')
    assert at < lines.index("global")


def test_nodes_are_called_by_their_address_unless_they_have_a_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, *TWO[:4], "--node", "fd00::3:1=c.example:9", "--spare", "1")
    assert [re.sub(r"id \d+", "id", line) for line in lines if " id " in line] == [
        "server 10.0.0.2:8080 10.0.0.2:8080 id",
        "server b [fd00::2]:8080 id",
        "server fd00::3:1 c.example:9 resolvers system init-addr last,libc,none id",
        "server spare1 192.0.2.1:8080 id disabled",
    ]
    assert "resolvers system" in lines
    assert "group haproxy" in lines


def numbers(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, int]:
    """The number of each relay by its name."""
    found = re.findall(r"server (\S+) .* id (\d+)", "\n".join(printed(capsys, *arguments)))
    return {name: int(number) for name, number in found}


def test_a_node_keeps_its_number_when_others_come_and_go(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = numbers(capsys, "--node=a=a:1", "--node=b=b:1", "--node=c=c:1", "--spare=1")
    after = numbers(capsys, "--node=c=c:2", "--node=d=d:1", "--node=b=b:1", "--spare=1")
    assert {name: after[name] for name in ("b", "c", "spare1")} == {
        name: before[name] for name in ("b", "c", "spare1")
    }


def test_a_peer_with_a_host_name_is_looked_up_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--node", "a=a.example:1", "--node", "b=10.0.0.2:2", "--spare", "1")
    peers = lines.index("peers relays")
    assert lines[peers + 2 : peers + 7] == [
        "server here",
        "server a unix@/run/haproxy/to-a.sock",
        "server b 10.0.0.2:2",
        "server spare1 unix@/run/haproxy/to-spare1.sock",
        "table held type binary len 32 size 69000 expire 100s",
    ]
    hop = lines.index("listen to-a")
    assert lines[hop + 6 : hop + 8] == [
        "bind unix@/run/haproxy/to-a.sock user haproxy mode 600",
        "server a a.example:1 resolvers system init-addr last,libc,none",
    ]
    assert "server spare1 192.0.2.1:8080 disabled" in lines[hop:]
    # Before what is said of HTTP for all that follow.
    assert hop < lines.index("defaults")
    assert not any("listen to-b" in line for line in lines)


def test_no_two_nodes_have_one_number(capsys: pytest.CaptureFixture[str]) -> None:
    many = numbers(capsys, *(f"--node=10.0.{each // 250}.{each % 250}:1" for each in range(1000)))
    assert len(set(many.values())) == 1000
    assert max(many.values()) < 2**20


def test_a_spare_place_that_became_a_node_keeps_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, "--node", "a:1", "--node", "spare1=b:1", "--spare", "2")
    names = [line.split()[1] for line in lines if re.search(r"^server .* id ", line)]
    assert names == ["a:1", "spare1", "spare2", "spare3"]


def test_two_haproxies_tell_each_other_over_tls(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, *TWO, "--local-peer", "right", "--peer-certificate", "/p.pem")
    start = lines.index("peers haproxies")
    tls = "ssl crt /p.pem ca-file /p.pem verify required"
    assert lines[start + 1 : start + 5] == [
        f"bind 10.0.0.9:10234 {tls}",
        f"default-server {tls}",
        "server left 10.0.0.8:10234",
        "server right",
    ]
    assert "localpeer right" in lines


def test_without_tls_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(printed(capsys, *TWO, "--local-peer", "left", "--plain", "--bind", "::1"))
    assert "bind [::1]:80\n" in text
    assert "bind 10.0.0.8:10234\n" in text
    assert "set-header X-Forwarded-Proto http\n" in text
    assert not re.search(r" (ssl|crt|ca-file) ", text)


def bounds(lines: list[str]) -> list[int]:
    """The limits of an address and of a network: open, in a minute, without a request."""
    return [
        int(line.split()[-1])
        for line in lines
        if re.match("acl (full|hasty|silent) src,ipmask", line)
    ]


def test_there_is_room_for_the_devices_of_all_relays(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--workers", "10", "--max-connections", "60000")
    assert "maxconn 605120" in lines
    assert any("string len 44 size 1200000 " in line for line in lines)
    assert bounds(lines) == [151_280, 302_560, 605_120, 1_210_240, 9455, 75_640]
    # Each of 60,000 channels at once, and 21,000 others in each of eleven rounds.
    assert "table held type binary len 32 size 2910000 expire 100s" in lines


def test_one_haproxy_of_many_may_take_less(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--workers", "10", "--maxconn", "400000")
    assert "maxconn 400000" in lines
    assert bounds(lines)[0] == 100_000


def test_how_much_one_address_takes_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--workers", "1", "--max-per-address", "64")
    # A household whose devices return at once has sixteen connections without a request.
    assert bounds(lines) == [64, 128, 256, 512, 16, 128]


def test_its_deadlines_fit_those_of_the_relay_and_one_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, "--workers", "1")
    # It is what bounds a TLS handshake, and what is silent before or after it.
    handshake, head = seconds(lines, "timeout client"), seconds(lines, "timeout http-request")
    assert handshake + head <= HEAD_SECONDS
    # So none of them outlives the time in which it counts.
    assert any(
        f"conn_rate({handshake + head}s),gpc0_rate({handshake + head}s)" in line for line in lines
    )
    assert seconds(lines, "timeout tunnel") > PING_RANGE[1] + PONG_SECONDS
    # A device that is under way finds the entry of another one, and announcements the table.
    remembered = seconds([line for line in lines if "srvkey" in line], "expire")
    assert remembered > seconds(lines, "timeout server")
    assert remembered > HELLO_SECONDS + TICKS_A_ROUND * ANNOUNCE_TICK_SECONDS
    # And these outlive the doubt in which a relay does not announce them again.
    announced = seconds([line for line in lines if line.startswith("table held")], "expire")
    assert announced > DOUBT_SECONDS + TICKS_A_ROUND * ANNOUNCE_TICK_SECONDS


def test_what_haproxy_says_itself_is_the_json_of_the_relay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = [
        json.loads(body)
        for line in printed(capsys, "--workers", "1")
        for body in re.findall(r" string '(.*?)'", line)
    ]
    assert len(said) == 8
    assert all(set(each) == {"error", "detail"} for each in said)


NODE = ["--node", "10.0.0.2:8080"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "set either --workers, for relays on this machine, or --node for each"),
        ([*NODE, "--workers", "2"], "set either --workers"),
        (["--workers", "0"], "--workers: '0' must be a number from 1 to 1000"),
        (["--workers", "4\x1b"], "--workers: '4\\x1b' must be a number"),
        (
            ["--workers", "900", "--spare", "101"],
            "1001 relays, including --spare, are too many; the maximum is 1000",
        ),
        (["--workers", "1", "--workers", "2"], "--workers: is given twice; remove one"),
        (["4"], "haproxy takes options only, not '4'"),
        (["--worker", "1", "--zzz"], "option --zzz not recognized"),
        (["--node", "10.0.0.2"], "--node: '10.0.0.2' must be HOST:PORT, such as 10.0.0.2:8080"),
        (["--node", "fd00::2:8080"], "--node: 'fd00::2:8080' must be HOST:PORT"),
        (["--node", "a b:1"], "--node: 'a b:1' must be HOST:PORT"),
        (["--node", "[fd00::2%eth0]:80"], "--node: '[fd00::2%eth0]:80' must be HOST:PORT"),
        (["--node", "a:65536"], "--node 'a:65536': the port: '65536' must be a number from 1 to"),
        (
            ["--node", "a b=c:1"],
            "--node: 'a b' is not a valid name: use at most 63 letters, digits and",
        ),
        ([*NODE, *NODE], "--node: two values have the name 10.0.0.2:8080"),
        ([*NODE, "--node", "b=10.0.0.2:8080"], "--node: two values have the address 10.0.0.2:8080"),
        ([*NODE, "--sockets", "/run"], "--sockets requires --workers; a node has a port"),
        (["--workers", "1", *TWO[4:]], "--peer requires --node: another HAProxy cannot reach"),
        (TWO, "--local-peer must be the one of left, right that is this HAProxy"),
        ([*TWO, "--local-peer", "up"], "--local-peer must be the one of left, right"),
        ([*NODE, "--local-peer", "up"], "--local-peer requires --peer, one for each HAProxy"),
        ([*TWO[:6], "--local-peer", "left"], "--peer is needed for each HAProxy: this one, and at"),
        (["--node", "here=a:1"], "--node: here is the name of an HAProxy"),
        (["--node", "left=a:1", *TWO[4:], "--local-peer", "right"], "--node: left is the name of"),
        ([*NODE, "--certificate", "a.pem"], "--certificate: 'a.pem' must be an absolute path"),
        ([*NODE, "--certificate", "/a b"], "--certificate: '/a b' must be an absolute path"),
        ([*NODE, "--bind", "example.org"], "--bind: 'example.org' is not an IP address"),
        ([*NODE, "--user", "a\nb"], "--user: 'a\\nb' is not a valid name"),
    ],
    ids=str,
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        haproxy.main(arguments)
    assert stopped.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"vault-relay: {said}")
    assert err.endswith("; see vault-relay haproxy --help\n")
    assert err.count("\n") == 1


def test_it_takes_neither_twisted_nor_autobahn() -> None:
    code = (
        "import sys; from vaultrelay.commands import haproxy; haproxy.main(['--workers', '1']); "
        "assert not {'twisted', 'autobahn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
