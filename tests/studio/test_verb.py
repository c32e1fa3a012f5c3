"""`pellucid studio` and `pellucid.studio.open`: an address is printed, Ctrl-C ends it, a port that is taken is said."""

import importlib.util
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

import pellucid
from pellucid.errors import OptionError, RunError
from pellucid.studio.exhibit import Given
from pellucid.studio.serving import Studio


@pytest.mark.slow
def test_the_command_prints_one_address_and_ends_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "pellucid", "studio", "--no-browser", "--port", "0", "--exhibit", "convolution"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/#token=[\w-]{43}&exhibit=convolution", line)
        assert found, line
        assert urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/").status == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_said() -> None:
    with Studio(Given(), port=0) as first, pytest.raises(OptionError, match="taken"):
        Studio(Given(), port=first.port)


def test_an_unknown_exhibit_is_said() -> None:
    with pytest.raises(OptionError, match="did you mean 'convolution'"):
        Studio(Given(), exhibit="convolutoin", port=0)


def test_it_listens_to_this_machine_alone(studio: Studio) -> None:
    assert studio._listening.getsockname()[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", studio.port), timeout=2)


def test_from_python_with_a_network_and_data() -> None:
    opened = pellucid.studio.open("4 -> fc(3)", "iris", browser=False, wait=False, port=0)
    assert opened.token in opened.url
    assert opened.url in repr(opened)
    opened.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", opened.port), timeout=2)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "uvicorn" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(RunError, match=r"pip install 'pellucid\[studio\]'"):
        pellucid.studio.open(browser=False, wait=False)
