#!/usr/bin/env python3
"""How long a command takes from start to exit, and how much memory: ours beside the client's, in one run.

    cargo build --release && python3 bench/start.py [--runs 30]

The runs of all commands alternate, so that whatever else the machine does meets each of them. CPU is user and system
time as the kernel accounts them to the child. `enforce` finds every layer of a configuration, and a login that they
allow. Peak memory is what GNU time (Debian's package `time`) says: a child of a Python process would be charged with
Python's own memory. The client is the one that the peer tests install; without it only ours is measured.
"""
import argparse, base64, glob, json, os, pathlib, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/authbaton"
HOME_FILE = """{
  "auth_mode": "chatgpt",
  "OPENAI_API_KEY": null,
  "tokens": {"id_token": "e30.e30.s", "access_token": "e30.e30.s", "refresh_token": "rt", "account_id": "account"},
  "last_refresh": "2026-01-01T00:00:00.000000000Z"
}"""


# Every layer of the client's configuration that Linux has, as an administrator, a person and a project would write it.
LAYERS = {
    "system/etc/codex/config.toml": 'forced_login_method = "api"\nmodel = "x"\n',
    "system/etc/codex/managed_config.toml": 'forced_login_method = "chatgpt"\n',
    "system/etc/codex/requirements.toml":
        'allowed_login_methods = ["chatgpt"]\nallowed_chatgpt_workspaces = ["account"]\n',
    "layered/config.toml": 'forced_login_method = "api"\n[projects."WORK"]\ntrust_level = "trusted"\n',
    "layered/robot.config.toml": 'forced_chatgpt_workspace_id = ["account"]\n',
    "work/.codex/config.toml": 'forced_chatgpt_workspace_id = ["account", "other"]\n',
}
# The id token of HOME_FILE has no claims; this one names the account.
ID_TOKEN = "e30." + base64.urlsafe_b64encode(
    b'{"https://api.openai.com/auth": {"chatgpt_account_id": "account"}}').decode().rstrip("=") + ".s"


def with_layers(directory):
    """Writes all layers and a login that they allow; returns the command that judges it."""
    for name, text in LAYERS.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("WORK", str(directory / "work")))
    (directory / "layered/auth.json").write_text(HOME_FILE.replace("e30.e30.s", ID_TOKEN, 1))
    return [str(OURS), "enforce", "--config-root", str(directory / "system"), "--home", str(directory / "layered"),
            "--profile", "robot", "-c", 'forced_login_method="api"']


def check_layers(command, environment, directory):
    """Makes sure that what is measured reads every layer and ends well."""
    said = subprocess.run([*command, "--dry-run", "--json"], env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=True)
    values = json.loads(said.stdout)["policy"]["values"]
    layers = {row["layer"] for value in values for row in [value, *value["overrides"]]}
    missing = {"system", "user", "profile", "project", "flags", "managed", "requirements"} - layers
    if missing:
        sys.exit(f"layers that were not read: {sorted(missing)}")


def measure(command, environment, directory):
    """Returns wall and CPU seconds of one run."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def peak_memory(command, environment, directory):
    """Returns the peak resident set of one run in MB."""
    timed = subprocess.run(["/usr/bin/time", "-f", "%M", *command], env=environment, cwd=directory,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           check=True)
    return int(timed.stderr.split()[-1]) / 1000


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=30)
    runs = arguments.parse_args().runs
    codex = glob.glob(str(ROOT / "target/peers/codex-*/**/bin/codex"), recursive=True)
    codex = [path for path in codex if "/vendor/" in path]
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as directory:
        home, user, temporary = (pathlib.Path(directory, name) for name in ("home", "user", "temporary"))
        for path in (home, user, temporary):
            path.mkdir(mode=0o700)
        (home / "auth.json").write_text(HOME_FILE)
        environment = {"HOME": str(user), "CODEX_HOME": str(home), "TMPDIR": str(temporary), "TERM": "dumb",
                       "PATH": os.environ["PATH"]}
        enforce = with_layers(pathlib.Path(directory))
        work = pathlib.Path(directory, "work")
        check_layers(enforce, environment, work)
        commands = {"true": ["true"], "authbaton status": [str(OURS), "status"], "authbaton enforce": enforce}
        if codex:
            commands["codex login status"] = [codex[0], "login", "status"]
        results = {name: [] for name in commands}
        for number in range(runs + 1):
            for name, command in commands.items():
                result = measure(command, environment, work)
                if number:                                          # the first run of each warms the file cache
                    results[name].append(result)
        print(f"medians of {runs} runs     wall ms    CPU ms   peak MB")
        for name, rows in results.items():
            wall, cpu = (statistics.median(column) for column in zip(*rows))
            has_time = os.path.exists("/usr/bin/time")
            memory = f"{peak_memory(commands[name], environment, work):9.1f}" if has_time else "        –"
            print(f"{name:22} {wall * 1000:9.2f} {cpu * 1000:9.2f} {memory}")


main()
