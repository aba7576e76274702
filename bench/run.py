#!/usr/bin/env python3
"""What `run` costs beside the command itself, and how soon its broker answers.

    cargo build --release && python3 bench/run.py [--runs 30] [--answers 1000]

The login is fresh and lies in a file store: nobody is asked for another one. The runs of all variants alternate, so that
whatever else the machine does meets each of them. CPU is user and system time of all processes that the run has waited
for, its broker among them, as the kernel accounts them. The answers are timed by a client on a socket of its own; Python's
part of each is in the figure. Ends with 1 when a figure is not what it must be.
"""
import argparse, base64, json, os, pathlib, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/authbaton"
MOST_CPU_MS = 10.0
MOST_ANSWER_MS = 1.0


def login():
    """Returns an `auth.json` whose access token lasts ten days; signatures are not looked at."""
    now = int(time.time())
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    claims = {"iat": now, "exp": now + 10 * 86400, "https://api.openai.com/auth": {
        "chatgpt_account_id": "account", "chatgpt_user_id": "user", "chatgpt_plan_type": "pro"}}
    # As long as real ones are.
    token = f"{part({'alg': 'none'})}.{part(claims)}.{'s' * 1500}"
    return json.dumps({"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": {
        "id_token": token, "access_token": token, "refresh_token": "rt-bench", "account_id": "account"},
        "last_refresh": time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime(now))})


class Machine:
    """Directories of their own, with the login in a store."""

    def __init__(self, root):
        for name in ("user", "state", "store", "temporary", "home"):
            (root / name).mkdir(mode=0o700)
        self.root = root
        self.environment = {"HOME": str(root / "user"), "XDG_STATE_HOME": str(root / "state"),
                            "TMPDIR": str(root / "temporary"), "PATH": os.environ["PATH"]}
        for name, text in (("key", base64.b64encode(bytes([7] * 32)).decode()), ("seed", login())):
            (root / name).touch(mode=0o600)
            (root / name).write_text(text)
        subprocess.run([*self.ours("restore"), "--home", str(root / "home"), "--seed-file", str(root / "seed")],
                       env=self.environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def ours(self, verb):
        # Nobody listens on port 9: a bench that asks an authority fails.
        return [str(OURS), verb, "--store", f"file:{self.root / 'store'}", "--seal-key-file", str(self.root / "key"),
                "--authority-url", "http://127.0.0.1:9", "--config-root", str(self.root / "system")]

    def measure(self, command):
        """Returns wall and CPU milliseconds of one run."""
        begin = time.perf_counter()
        child = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command} ended with {child.returncode}")
        return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def answers(machine, count):
    """Returns how long a broker took for each answer: over one connection, and with one of its own for each."""
    home = machine.root / "home"
    broker = subprocess.Popen([*machine.ours("broker"), "--home", str(home)], env=machine.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        url = urllib.parse.urlsplit(json.loads(broker.stdout.readline())["url"])
        handle = json.loads((home / "auth.json").read_text())["tokens"]["refresh_token"]
        body = json.dumps({"client_id": "app_EMoamEEZ73f0CkXaXp7hrann", "grant_type": "refresh_token",
                           "refresh_reason": "proactive_expiry", "refresh_token": handle})
        request = (f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
                   f"content-length: {len(body)}\r\n\r\n{body}").encode()

        def connect():
            connection = socket.create_connection((url.hostname, url.port), timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection

        def ask(connection):
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536) or sys.exit("the broker hung up")
            head, _, rest = answer.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"the broker said {head.splitlines()[0]}")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(rest) < length:
                rest += connection.recv(65536) or sys.exit("the broker hung up")

        kept, times = connect(), ([], [])
        for number in range(count + 1):
            begin = time.perf_counter()
            ask(kept)
            between = time.perf_counter()
            with connect() as connection:
                ask(connection)
            end = time.perf_counter()
            if number:                                              # the first one warms everything
                times[0].append((between - begin) * 1000)
                times[1].append((end - between) * 1000)
        return times
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=30)
    arguments.add_argument("--answers", type=int, default=1000)
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as directory:
        machine = Machine(pathlib.Path(directory))
        commands = {
            "true": ["true"],
            "run -- true": [*machine.ours("run"), "--", "true"],
            "run --broker always": [*machine.ours("run"), "--broker", "always", "--", "true"],
        }
        results = {name: [] for name in commands}
        for number in range(arguments.runs + 1):
            for name, command in commands.items():
                result = machine.measure(command)
                if number:                                          # the first run of each warms the file cache
                    results[name].append(result)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"medians of {arguments.runs} runs    wall ms    CPU ms")
        medians = {}
        for name, rows in results.items():
            wall, cpu = (statistics.median(column) for column in zip(*rows))
            medians[name] = cpu
            print(f"{name:20} {wall:10.2f} {cpu:9.2f}")
        overhead = medians["run -- true"] - medians["true"]
        print(f"CPU of `run -- true` beside `true`: {overhead:.2f} ms, at most {MOST_CPU_MS:.0f}")
        kept, fresh = (statistics.median(times) for times in answers(machine, arguments.answers))
        print(f"the broker's answer, median of {arguments.answers}: {kept:.3f} ms on a kept connection, "
              f"{fresh:.3f} ms on one of its own; less than {MOST_ANSWER_MS:.0f}")
    if overhead > MOST_CPU_MS or fresh >= MOST_ANSWER_MS or kept >= MOST_ANSWER_MS:
        sys.exit(1)


main()
