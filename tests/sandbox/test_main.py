"""The process: every door opens, it says so, and a signal closes it."""

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.__main__ import main
from sandbox.servers import bind

ROOT = Path(__file__).parents[2]


@pytest.fixture
def process(tmp_path: Path, base_port: int) -> Iterator[subprocess.Popen[str]]:
    words = ["--base-port", str(base_port), "--run-dir", str(tmp_path), "--ready-file", str(tmp_path / "ready")]
    environment = {name: value for name, value in os.environ.items() if name != "HUB_ENV"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *words], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


def lines_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.strip() == "ready":
            return lines
    raise AssertionError(f"stopped before being ready: {lines}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_opens_its_doors_and_stops(
    process: subprocess.Popen[str], base_port: int, tmp_path: Path, number: signal.Signals
) -> None:
    lines = lines_until_ready(process)
    assert any(line.startswith("home") and line.endswith(f"http://localhost:{base_port}") for line in lines)
    assert (tmp_path / "ready").read_text() == f"http://localhost:{base_port}\n"
    assert "Bac à sable" in httpx.get(f"http://localhost:{base_port}/").text
    trust = ssl.create_default_context(cafile=str(tmp_path / "certificates" / "authority.pem"))
    assert httpx.post(f"https://localhost:{base_port + 7}/messages", verify=trust).status_code == 401
    process.send_signal(number)
    rest, _ = process.communicate(timeout=15)
    assert process.returncode == 0 and "stopped" in rest


def test_does_not_start_in_production(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HUB_ENV", "production")
    assert main([]) == 2
    assert "production" in capsys.readouterr().err


def test_says_which_port_is_taken(tmp_path: Path, base_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    taken = bind("127.0.0.1", base_port + 7)
    taken.listen()
    try:
        assert main(["--base-port", str(base_port), "--run-dir", str(tmp_path)]) == 1
    finally:
        taken.close()
    assert str(base_port + 7) in capsys.readouterr().err
