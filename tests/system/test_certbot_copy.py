"""The deploy hook of docs/certbot-copy.sh, as certbot runs it."""

import grp
import os
import subprocess
from pathlib import Path

import pytest

from tests.authority import issue, write_pair

HOOK = Path(__file__).parents[2] / "docs" / "certbot-copy.sh"


@pytest.mark.parametrize(
    ("name", "copied"),
    [("relay.example.org", ["fullchain.pem", "privkey.pem"]), ("other.example.org", [])],
)
def test_the_hook_copies_the_relays_certificate_and_no_other(
    name: str, copied: list[str], tmp_path: Path
) -> None:
    there, hook = tmp_path / "tls", tmp_path / "hook.sh"
    text = HOOK.read_text().replace("folder=/etc/vault-relay/tls", f"folder={there}")
    hook.write_text(text.replace("-g vault-relay", f"-g {grp.getgrgid(os.getgid()).gr_name}"))
    lineage = tmp_path / "live" / name
    lineage.mkdir(parents=True)
    write_pair(lineage, issue([name]))
    for _ in range(2):
        subprocess.run(
            ["sh", hook], env={**os.environ, "RENEWED_LINEAGE": str(lineage)}, check=True
        )
    assert sorted(path.name for path in there.glob("*")) == copied
    for path in there.glob("*"):
        assert path.stat().st_mode & 0o777 == 0o640
        assert path.read_bytes() == (lineage / path.name).read_bytes()
