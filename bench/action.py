#!/usr/bin/env python3
"""What a step with the action costs when the login is fresh, beside a restore of the same bytes by GitHub's own client.

    cargo build --release && cargo test --features failpoints --test action --no-run && python3 bench/action.py [--runs 30]

Both ask the strict cache server of the tests, on loopback: what is measured is what runs on the machine, not GitHub's
network. The runs of all variants alternate, so that whatever else the machine does meets each of them. CPU is user and
system time of a process and of all that it has waited for, as the kernel accounts them. `node -e 0` is what Node.js
costs by itself; `our process` is started with the very environment that the shim gives it, which is taken down once.
The client is `@actions/cache` 6.3.0, which the peer tests install. Ends with 1 when something did not work.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/authbaton"
CLIENT = ROOT / "target/peers/actions-cache-6.3.0"
FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
THEIRS = """
import { restoreCache, saveCache } from '@actions/cache';
const [verb, path] = process.argv.slice(2);
if (verb === 'save') { if (await saveCache([path], 'bench-1') < 0) process.exit(1); }
else if (!await restoreCache([path], 'bench-', ['bench-'])) process.exit(1);
"""


def server():
    """Starts the cache server and the authority of the tests; returns the process and what it says of itself."""
    tests = [path for path in (ROOT / "target/debug/deps").glob("action-*") if path.suffix == ""]
    if not tests:
        sys.exit("first: cargo test --features failpoints --test action --no-run")
    newest = max(tests, key=lambda path: path.stat().st_mtime)
    process = subprocess.Popen([newest, "--ignored", "--exact", "for_benches::serve", "--nocapture"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        at = line.find("{")
        if at >= 0:
            return process, json.loads(line[at:])
    sys.exit("the server did not start")


class Machine:
    """A runner's directories, and the environment of a step."""

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        for name in ("home", "temporary", "work"):
            (root / name).mkdir()
        event = root / "event.json"
        event.write_text(json.dumps(facts["event"]))
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(root / "home"), "CI": "true", "GITHUB_ACTIONS": "true",
                            "GITHUB_EVENT_PATH": str(event), "GITHUB_WORKSPACE": str(root / "work"),
                            "RUNNER_TEMP": str(root / "temporary"), **facts["environment"]}
        for name in FILES:
            self.environment[name] = str(root / name)

    def prepare(self, inputs=()):
        """Gives a step fresh files; returns its environment."""
        shutil.rmtree(self.root / "temporary")
        (self.root / "temporary").mkdir()
        for name in FILES:
            (self.root / name).write_text("")
        environment = dict(self.environment)
        for name, value in {**self.facts["inputs"], **dict(inputs)}.items():
            environment["INPUT_" + name.upper()] = value
        return environment

    def measure(self, command, environment):
        """Returns wall and CPU milliseconds of one process and its children."""
        with open(self.root / "said", "w+") as said:
            begin = time.perf_counter()
            child = subprocess.Popen(command, env=environment, cwd=self.root / "work", stdin=subprocess.DEVNULL,
                                     stdout=said, stderr=said)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command} ended with {child.returncode}:\n{(self.root / 'said').read_text()}")
        return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def what_the_shim_gives(machine):
    """Returns the arguments and the environment with which the shim starts our process."""
    spy, seen = machine.root / "spy", machine.root / "seen"
    spy.write_text(f"#!{sys.executable}\nimport json, os, sys\n"
                   f"open({str(seen)!r}, 'w').write(json.dumps([sys.argv[1:], dict(os.environ)]))\n")
    spy.chmod(0o755)
    machine.measure(["node", str(ROOT / "action/main.js")], machine.prepare([("binary-path", str(spy))]))
    return json.loads(seen.read_text())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=30)
    runs = arguments.parse_args().runs
    for path in (OURS, CLIENT):
        if not path.exists():
            sys.exit(f"{path} is not there")
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as directory:
        process, facts = server()
        try:
            machine = Machine(pathlib.Path(directory), facts)
            step = ["node", str(ROOT / "action/main.js")]
            ours = [("binary-path", str(OURS))]
            machine.measure(step, machine.prepare([*ours, ("auth-json", facts["seed"])]))
            options, given = what_the_shim_gives(machine)
            theirs = pathlib.Path(directory, "theirs.mjs")
            theirs.write_text(THEIRS)
            (pathlib.Path(directory) / "node_modules").symlink_to(CLIENT / "node_modules")
            blob = machine.root / "work/blob"
            blob.write_bytes(os.urandom(facts["size"]))
            machine.measure(["node", str(theirs), "save", "blob"], machine.prepare())
            variants = {
                "node -e 0": (["node", "-e", "0"], ()),
                "the action's main, whole step": (step, ours),
                "  our process in it": ([str(OURS), *options], ours),
                "@actions/cache 6.3.0, restore": (["node", str(theirs), "restore", "blob"], ()),
            }
            results = {name: [] for name in variants}
            for number in range(runs + 1):
                for name, (command, inputs) in variants.items():
                    environment = machine.prepare(inputs)
                    if command[0] == str(OURS):
                        environment = {**given, **{key: environment[key] for key in given if key in environment}}
                    result = machine.measure(command, environment)
                    if number:                                      # the first run of each warms the file cache
                        results[name].append(result)
        finally:
            process.stdin.close()
            process.wait()
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {facts['size']} bytes")
        print(f"medians of {runs} runs                 wall ms    CPU ms")
        for name, rows in results.items():
            wall, cpu = (statistics.median(column) for column in zip(*rows))
            print(f"{name:32} {wall:10.1f} {cpu:9.1f}")


main()
