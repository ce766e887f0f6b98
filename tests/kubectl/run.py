#!/usr/bin/env python3
"""Drives the API server with the real kubectl and compares what it prints with what *.test files say.

  run.py SERVER [--update] [FILE...]

A test file holds commands and their output, standard output and standard error together:

  $ kubectl create configmap a --from-literal=k=v
  configmap/a created

  $ kubectl get configmap nope
  exit 1
  Error from server (NotFound): configmaps "nope" not found

"exit N" says how the command ends when it does not end well. "..." stands for any lines. A line that begins with "& "
starts a command that runs until it has printed the lines given, which is checked at the end of the file. What differs in
every run is written TIME, AGE, UID, RV and URL. Each file gets a server of its own; --update writes what was printed
into the files. Commands that need a program which is not there are skipped, and the reason is printed.
"""
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
BACKGROUND_SECONDS = 20
SKIPPED = 77
WANTED = "v1.36."

NORMAL = [
    (re.compile(r"https://127\.0\.0\.1:\d+"), "URL"),
    (re.compile(r"127\.0\.0\.1:\d+"), "URL"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z| \+0000)?"), "TIME"),
    (re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r'resourceVersion: "\d+"'), 'resourceVersion: "RV"'),
    (re.compile(r"(?<![\w.-])(\d+[hms]){1,2}(?![\w.-])"), "AGE"),
    (re.compile(r"/tmp/(LIVE|MERGED)-\d+"), r"\1"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "TOKEN"),
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
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and expected[0] == actual[0] and matches(expected[1:], actual[1:])


class Step:
    def __init__(self, line, number):
        self.background = line.startswith("& ")
        self.command = line[2:]
        self.number = number
        self.expected = []


def read(path):
    """The comments at the top, and the steps."""
    head, steps = [], []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            if line.startswith(("$ ", "& ")):
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
        deadline = time.monotonic() + BACKGROUND_SECONDS
        with self.changed:
            while len(self.lines) < count and time.monotonic() < deadline:
                self.changed.wait(deadline - time.monotonic())

    def finish(self):
        self.wait_for(len(self.step.expected))
        self.process.terminate()
        self.process.wait()
        return self.lines


def run_step(step, environment):
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
        lines.append(("& " if step.background else "$ ") + step.command)
        lines += (step.expected if keep else outputs[step]) + [""]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip("\n") + "\n")


def kubectl():
    return os.environ.get("KUBECTL") or shutil.which("kubectl")


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    if not arguments:
        sys.exit(__doc__)
    if not kubectl():
        print("skipped: there is no kubectl on PATH, and KUBECTL names none")
        sys.exit(SKIPPED)
    version = subprocess.run([kubectl(), "version", "--client"], text=True, stdout=subprocess.PIPE, check=False).stdout
    if WANTED not in version:
        print(f"skipped: {kubectl()} is not {WANTED}; KUBECTL may name one that is")
        sys.exit(SKIPPED)
    files = arguments[1:] or sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".test"))
    failures = []
    for path in files:
        if "rollouts" in os.path.basename(path):
            beside = os.path.join(os.path.dirname(kubectl()), "kubectl-argo-rollouts")
            if not shutil.which("kubectl-argo-rollouts") and not os.path.exists(beside):
                print(f"skipped {os.path.basename(path)}: there is no kubectl-argo-rollouts on PATH")
                continue
        found = run_file(path, os.path.abspath(arguments[0]), "--update" in sys.argv)
        print(f"{'FAILED' if found else 'ok'} {os.path.basename(path)}", flush=True)
        failures += found
    print("\n\n".join(failures))
    sys.exit(1 if failures else 0)


main()
