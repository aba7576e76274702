#!/usr/bin/env python3
"""How long a command takes from start to exit, and how much memory: ours beside the client's, in one run.

    cargo build --release && python3 bench/start.py [--runs 30]

The runs of all commands alternate, so that whatever else the machine does meets each of them. CPU is user and system
time as the kernel accounts them to the child. Peak memory is what GNU time (Debian's package `time`) says: a child of
a Python process would be charged with Python's own memory. The client is the one that the peer tests install; without
it only ours is measured.
"""
import argparse, glob, os, pathlib, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME_FILE = """{
  "auth_mode": "chatgpt",
  "OPENAI_API_KEY": null,
  "tokens": {"id_token": "e30.e30.s", "access_token": "e30.e30.s", "refresh_token": "rt", "account_id": "account"},
  "last_refresh": "2026-01-01T00:00:00.000000000Z"
}"""


def measure(command, environment):
    """Returns wall and CPU seconds of one run."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def peak_memory(command, environment):
    """Returns the peak resident set of one run in MB."""
    timed = subprocess.run(["/usr/bin/time", "-f", "%M", *command], env=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(timed.stderr.split()[-1]) / 1000


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=30)
    runs = arguments.parse_args().runs
    ours = ROOT / "target/release/authbaton"
    codex = glob.glob(str(ROOT / "target/peers/codex-*/**/bin/codex"), recursive=True)
    codex = [path for path in codex if "/vendor/" in path]
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as directory:
        home, user, temporary = (pathlib.Path(directory, name) for name in ("home", "user", "temporary"))
        for path in (home, user, temporary):
            path.mkdir(mode=0o700)
        (home / "auth.json").write_text(HOME_FILE)
        environment = {"HOME": str(user), "CODEX_HOME": str(home), "TMPDIR": str(temporary), "TERM": "dumb",
                       "PATH": os.environ["PATH"]}
        commands = {"true": ["true"], "authbaton status": [str(ours), "status"]}
        if codex:
            commands["codex login status"] = [codex[0], "login", "status"]
        results = {name: [] for name in commands}
        for number in range(runs + 1):
            for name, command in commands.items():
                result = measure(command, environment)
                if number:                                          # the first run of each warms the file cache
                    results[name].append(result)
        print(f"medians of {runs} runs     wall ms    CPU ms   peak MB")
        for name, rows in results.items():
            wall, cpu = (statistics.median(column) for column in zip(*rows))
            memory = f"{peak_memory(commands[name], environment):9.1f}" if os.path.exists("/usr/bin/time") else "        –"
            print(f"{name:22} {wall * 1000:9.2f} {cpu * 1000:9.2f} {memory}")


main()
