#!/usr/bin/env python3
"""Drives the API server with the real kubectl and compares what it prints with what *.test files say.

  run.py API_TEST_SERVER CLUSTER_TEST_SERVER [--update] [FILE...]

A test file holds commands and their output, standard output and standard error together:

  $ kubectl create configmap a --from-literal=k=v
  configmap/a created

  $ kubectl get configmap nope
  exit 1
  Error from server (NotFound): configmaps "nope" not found

"exit N" says how the command ends when it does not end well. "..." stands for any lines. A line that begins with "& "
starts a command that runs until it has printed the lines given, which is checked at the end of the file. A command after
"? " is repeated until it prints what is expected. What differs in every run is written TIME, AGE, UID, RV, POD, POD-IP, TOKEN
and URL. Each file gets a server of its own: those in cluster/ one with controllers and simulated nodes, the others the API
alone. --update writes what was printed into the files. Files that need a program which is not there are skipped, and the
reason is printed.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMMAND_SECONDS = 60
PATIENCE_SECONDS = 30  # With commands that run in the background, and with those that are repeated.
SKIPPED = 77
WANTED = "v1.36."

NORMAL = [
    (re.compile(r"https://127\.0\.0\.1:\d+"), "URL"),
    (re.compile(r"127\.0\.0\.1:\d+"), "URL"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z| \+0000)?"), "TIME"),
    (re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r'resourceVersion: "\d+"'), 'resourceVersion: "RV"'),
    (re.compile(r"Resource Version:( +)\d+"), r"Resource Version:\1RV"),
    (re.compile(r"(?<![\w.-])(\d+[hms]){1,2}(?![\w.-])"), "AGE"),
    (re.compile(r"/tmp/(LIVE|MERGED)-\d+"), r"\1"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "TOKEN"),
    (re.compile(r"\b10\.244\.\d+\.\d+\b"), "POD-IP"),
    (re.compile(r"(-[0-9a-z]{6,10})-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), r"\1-POD"),
]


def normal(text):
    for pattern, replacement in NORMAL:
        text = pattern.sub(replacement, text)
    lines = [re.sub(r"(?<=\S)  +", "  ", line.rstrip()) for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def matches(expected, actual):
    """Lines against lines; "..." takes as many as it must."""
    parts = [[]]
    for line in expected:
        if line == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) == 1:
        return expected == actual
    first, last = parts[0], parts[-1]
    if len(first) + len(last) > len(actual) or actual[:len(first)] != first or actual[len(actual) - len(last):] != last:
        return False
    at, end = len(first), len(actual) - len(last)
    for part in parts[1:-1]:
        while at + len(part) <= end and actual[at:at + len(part)] != part:
            at += 1
        at += len(part)
        if at > end:
            return False
    return True


class Step:
    def __init__(self, line, number):
        self.mark = line[0]
        self.background = self.mark == "&"
        self.command = line[2:]
        self.number = number
        self.expected = []


def read(path):
    """The comments at the top, and the steps."""
    head, steps = [], []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            if line.startswith(("$ ", "& ", "? ")):
                steps.append(Step(line, number))
            elif steps:
                steps[-1].expected.append(line)
            else:
                head.append(line)
    for step in steps:
        while step.expected and not step.expected[-1]:
            step.expected.pop()
    return head, steps


class Background:
    def __init__(self, step, environment):
        self.step = step
        self.lines = []
        self.process = subprocess.Popen(["bash", "-c", "exec " + step.command], env=environment, cwd=HERE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.changed = threading.Condition()
        threading.Thread(target=self.collect, daemon=True).start()
        self.wait_for(1)

    def collect(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines += normal(line)
                self.changed.notify_all()

    def wait_for(self, count):
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.changed:
            while len(self.lines) < count and time.monotonic() < deadline:
                self.changed.wait(deadline - time.monotonic())

    def finish(self):
        self.wait_for(len(self.step.expected))
        self.process.terminate()
        self.process.wait()
        return self.lines


def run_step(step, environment):
    """What it prints; for a step that is repeated, what it printed last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        lines = run_once(step, environment)
        if step.mark != "?" or matches(step.expected, lines) or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


def run_once(step, environment):
    done = subprocess.run(["bash", "-c", step.command], env=environment, cwd=HERE, text=True, timeout=COMMAND_SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    lines = normal(done.stdout)
    return ([f"exit {done.returncode}"] if done.returncode else []) + lines


def run_file(path, server, update):
    head, steps = read(path)
    failures = []
    outputs = {}
    with tempfile.TemporaryDirectory() as home:
        kubeconfig = os.path.join(home, "kubeconfig")
        environment = dict(os.environ, KUBECONFIG=kubeconfig, HOME=home, KUBECTL_EXTERNAL_DIFF="diff -u",
                           PATH=os.path.dirname(kubectl()) + ":" + os.environ["PATH"])
        with subprocess.Popen([server, kubeconfig], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            if process.stdout.readline() != "ready\n":
                return [f"{path}: the server did not start"]
            backgrounds = []
            for step in steps:
                if step.background:
                    backgrounds.append(Background(step, environment))
                else:
                    outputs[step] = run_step(step, environment)
            for background in backgrounds:
                outputs[background.step] = background.finish()
            process.stdin.close()
            if process.wait(timeout=COMMAND_SECONDS) != 0:
                failures.append(f"{path}: the server ended with {process.returncode}")
    if update:
        write(path, head, steps, outputs)
        return failures
    for step in steps:
        if not matches(step.expected, outputs[step]):
            failures.append("\n".join([f"{path}:{step.number}: {step.command}", "expected:", *step.expected,
                                       "printed:", *outputs[step]]))
    return failures


def write(path, head, steps, outputs):
    lines = list(head)
    for step in steps:
        keep = "..." in step.expected and matches(step.expected, outputs[step])
        lines.append(step.mark + " " + step.command)
        lines += (step.expected if keep else outputs[step]) + [""]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip("\n") + "\n")


def kubectl():
    return os.environ.get("KUBECTL") or shutil.which("kubectl")


def can_run(path):
    """False where a program is missing, which is printed."""
    beside = os.path.join(os.path.dirname(kubectl()), "kubectl-argo-rollouts")
    if "rollouts" not in os.path.basename(path) or shutil.which("kubectl-argo-rollouts") or os.path.exists(beside):
        return True
    print(f"skipped {os.path.relpath(path, HERE)}: there is no kubectl-argo-rollouts on PATH")
    return False


def run_on_its_server(path, servers, update):
    with_controllers = os.path.basename(os.path.dirname(os.path.abspath(path))) == "cluster"
    return path, run_file(path, os.path.abspath(servers[1 if with_controllers else 0]), update)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    update = "--update" in sys.argv
    if len(arguments) < 2:
        sys.exit(__doc__)
    if not kubectl():
        print("skipped: there is no kubectl on PATH, and KUBECTL names none")
        sys.exit(SKIPPED)
    version = subprocess.run([kubectl(), "version", "--client"], text=True, stdout=subprocess.PIPE, check=False).stdout
    if WANTED not in version:
        print(f"skipped: {kubectl()} is not {WANTED}; KUBECTL may name one that is")
        sys.exit(SKIPPED)
    files = arguments[2:] or sorted(glob.glob(os.path.join(HERE, "**", "*.test"), recursive=True))
    files = [path for path in files if can_run(path)]
    failures = []
    # The longest first, so that none is left alone at the end. Each has a server and a home of its own.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, found in pool.map(lambda path: run_on_its_server(path, arguments[:2], update),
                                    sorted(files, key=os.path.getsize, reverse=True)):
            print(f"{'FAILED' if found else 'ok'} {os.path.relpath(path, HERE)}", flush=True)
            failures += found
    print("\n\n".join(failures))
    sys.exit(1 if failures else 0)


main()
