#!/usr/bin/env python3
"""Runs a whole cluster from a copy of this checkout, and breaks it.

  run.py BUILD_DIRECTORY [--as-user] [--engine=BUILD_DIRECTORY] [NAME...]

Each test is a function below, in the order in which they run; the cluster goes on from one to the next. The copy lies in
a temporary folder with a Git history of its own, and so does everything that a cluster writes. --as-user runs it all as
an ordinary user, "nobody" where this is root; --engine takes the program from another build, one with sanitizers for one,
whose services could not run from scratch.
"""
import base64
import glob
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND_SECONDS = 240
WAIT_SECONDS = 60
SKIPPED = 77
GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost"]


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def wait_for(what, condition, seconds=WAIT_SECONDS):
    """Polls: a whole cluster has no event to wait on from outside."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.1)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Copy:
    """A copy of the checkout with a history of its own, and the cluster that runs from it."""

    def __init__(self, build, engine, user):
        self.root = tempfile.mkdtemp(prefix="fairlead-cluster-")
        self.user = user
        listed = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True)
        if listed.returncode == 0:
            files = [f for f in listed.stdout.decode().split("\0") if f]
        else:
            files = [os.path.relpath(os.path.join(d, f), SOURCE) for d, _, names in os.walk(SOURCE) for f in names]
            files = [f for f in files if not f.startswith(("build/", ".fairlead/", ".tools/", ".git/"))]
        for file in files:
            if not os.path.exists(os.path.join(SOURCE, file)):
                continue
            os.makedirs(os.path.dirname(os.path.join(self.root, file)), exist_ok=True)
            shutil.copy2(os.path.join(SOURCE, file), os.path.join(self.root, file))
        os.mkdir(os.path.join(self.root, "build"))
        os.symlink(os.path.abspath(build), os.path.join(self.root, "build", "release"))
        self.program = os.path.join(os.path.abspath(engine), "engine", "cli", "fairlead")
        self.api, self.edge, self.prometheus = free_ports(3)
        self.ports = [f"--api-port={self.api}", f"--edge-port={self.edge}", f"--prometheus-port={self.prometheus}"]
        self.user = None
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "A copy")
        if user:
            # The build belongs to root, so root makes the images that the user then runs.
            self.up()
            self.fairlead("down")
            self.user = user
            for directory, _, names in os.walk(self.root):
                for name in [directory] + [os.path.join(directory, n) for n in names]:
                    os.chown(name, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def as_whom(self):
        options = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        env = dict(os.environ, HOME=self.root)
        if self.user:
            env["PATH"] = "/usr/local/bin:/usr/bin:/bin"  # As Debian gives it to ordinary users.
        return dict(options, env=env, text=True)

    def run(self, argv, cwd=None, seconds=COMMAND_SECONDS):
        return subprocess.run(argv, cwd=cwd or self.root, capture_output=True, timeout=seconds, **self.as_whom())

    def start(self, *arguments):
        """A command that goes on while the test does something else."""
        return subprocess.Popen([self.program, *arguments], cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                **self.as_whom())

    def git(self, *arguments, cwd=None):
        done = self.run(GIT + list(arguments), cwd)
        check(done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def fairlead(self, *arguments, code=0):
        """What it printed: for a person everything, for a script (--output) standard output alone."""
        done = self.run([self.program, *arguments])
        said = done.stdout + done.stderr
        check(done.returncode == code, f"fairlead {' '.join(arguments)} ended with {done.returncode}, not {code}:\n{said}")
        return done.stdout if "--output" in arguments else said

    def up(self, code=0):
        return self.fairlead("up", *self.ports, code=code)

    def processes(self):
        """Those that run this copy's cluster: they hold its state directory's name or its program with the verb up."""
        out = []
        for path in glob.glob("/proc/[0-9]*"):
            try:
                with open(path + "/cmdline", "rb") as file:
                    line = file.read().decode(errors="replace").split("\0")
                if os.readlink(path + "/cwd").startswith(self.root) and line[0].endswith("/fairlead") and line[1] == "up":
                    out.append(int(os.path.basename(path)))
            except (OSError, IndexError):
                continue
        return out

    def descends(self, pid):
        """Whether a process of this machine is one of this cluster's: its forefathers say so."""
        ours = set(self.processes())
        while pid > 1:
            if pid in ours:
                return True
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        return False

    def kill(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def call(self, path, method="GET", body=None):
        with open(os.path.join(self.root, ".fairlead", "kubeconfig"), encoding="utf-8") as file:
            text = file.read()
        field = lambda name: base64.b64decode(re.search(name + r":\s*\"?([A-Za-z0-9+/=]+)", text)[1]).decode()
        context = ssl.create_default_context(cadata=field("certificate-authority-data"))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(field("client-certificate-data") + field("client-key-data"))
            file.flush()
            context.load_cert_chain(file.name)
        request = urllib.request.Request(f"https://127.0.0.1:{self.api}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, context=context, timeout=10) as response:
            return json.load(response)

    def shop(self, path="/"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.edge}{path}", headers={"Host": "dev.shop.example"})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def query(self, text):
        """What Prometheus answers: its list of series."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)["data"]["result"]

    def status(self, service):
        services = json.loads(self.fairlead("status", "--output", "json"))["services"]
        return next(s for s in services if s["name"] == service)

    def deliver(self, message, change):
        """A commit in a clone of the delivery repository, pushed: what a merged pull request is on AKS."""
        clone = os.path.join(self.root, ".clone")
        shutil.rmtree(clone, ignore_errors=True)
        self.git("clone", "-q", os.path.join(self.root, ".fairlead", "git"), clone)
        change(clone)
        self.git("commit", "-q", "-a", "-m", message, cwd=clone)
        self.git("push", "-q", "origin", "HEAD:main", cwd=clone)

    def undo(self):
        clone = os.path.join(self.root, ".clone")
        self.git("revert", "--no-edit", "HEAD", cwd=clone)
        self.git("push", "-q", "origin", "HEAD:main", cwd=clone)


def edit(file, pattern, replacement):
    def change(clone):
        path = os.path.join(clone, file)
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        changed = re.sub(pattern, replacement, text, count=1)
        check(changed != text, f"{file} has nothing like {pattern}")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(changed)
    return change


CATALOG = "infrastructure/rendered/dev/catalog/manifests.yaml"


def nothing_runs_yet(copy):
    check("fairlead up" in copy.fairlead("status", code=1), "status names the command that starts a cluster")
    with tempfile.TemporaryDirectory() as fresh:
        shutil.copy(os.path.join(copy.root, "Makefile"), fresh)
        done = subprocess.run(["make", "-C", fresh, "down", "clean"], capture_output=True, text=True)
        check(done.returncode == 0, f"make clean where nothing was built yet: {done.stderr}")


def outside_a_repository(copy):
    said = copy.fairlead("-C", "/", "up", code=2)
    check("infrastructure/environments" in said, said)
    said = copy.fairlead("-C", "/", "load", code=2)
    check("--url" in said, said)


def what_is_not_there(copy):
    """A name that is mistyped is a wrong use, and the answer says which names there are."""
    for arguments, part in ((("ship", "nosuch"), "only catalog, storefront"), (("image", "build", "nosuch"), "only catalog, storefront"),
                            (("stauts",), "`fairlead status`"), (("frobnicate",), "`fairlead --help`"),
                            (("image", "bild"), "`fairlead image build`"), (("up", "--frob"), "`fairlead up --help`")):
        said = copy.fairlead(*arguments, code=2)
        check(part in said and said.count("\n") == 1, said)
    for arguments, sentence in (
            (("status", "-o", "foo"), "--output: foo is no format: write text or json: see `fairlead status --help`"),
            (("load", "--rate", "0"), "--rate: 0 is no rate: write a number from 0.1 to 20000: see `fairlead load --help`"),
            (("up", "--api-port", "x"), "--api-port: x is no port: write a number from 1 to 65535: see `fairlead up --help`"),
            (("logs", "catalog", "--tail", "-5"), "--tail: -5 is no number of lines: write a number from -1 to "),
            (("ship", "--tag", "x"), "--env, --tag and --no-test are for a new image: name the service that gets it"),
            (("image",), "fairlead image needs a command, one of build: see `fairlead image --help`"),
            ((), "fairlead needs a command, one of up, down, status, ")):
        said = copy.fairlead(*arguments, code=2)
        check(said.startswith("fairlead: " + sentence) and said.count("\n") == 1, said)
    schema = os.path.join(copy.root, "infrastructure", "apps", "needs.schema.json")
    os.remove(schema)
    check("only dev" in copy.fairlead("env", "render", "nosuch", code=2), "it says which environments there are")
    check(not os.path.exists(schema), "a mistyped environment changes no file")
    copy.git("checkout", "-q", "--", schema)


def help_of_every_command(copy):
    """It says what each option and argument does."""
    def commands(words):
        said = copy.fairlead(*words, "--help")
        yield words, said
        for name in re.findall(r"^  (\w+) {3,}\S", said.partition("\nSubcommands:\n")[2], re.MULTILINE):
            yield from commands((*words, name))

    every = dict(commands(()))
    check({("up",), ("image", "build"), ("env", "render")} <= every.keys(), list(every))
    for words, said in every.items():
        lines = said.splitlines()
        mute = [line for line, after in zip(lines, lines[1:] + [""])
                if re.match(r"  \S", line) and not re.match(r"  \S.*? {2,}\S", line) and not after.startswith("      ")]
        check(not mute, f"fairlead {' '.join(words)} --help does not explain {mute}")


def a_machine_that_is_not_known(copy):
    checks = json.loads(copy.fairlead("doctor", "--output", "json"))["checks"]
    marks = [line.split()[0] for line in copy.fairlead("doctor").splitlines()[1:1 + len(checks)]]
    expected = ["–" if not c["known"] else "✓" if c["ok"] else "✗" if c["required"] else "!" for c in checks]
    check(marks == expected, f"{marks} is not {expected}")


def an_environment_with_an_unknown_key(copy):
    file = os.path.join(copy.root, "infrastructure", "environments", "dev.yaml")
    with open(file, encoding="utf-8") as stream:
        text = stream.read()
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text + "colour: blue\n")
    said = copy.fairlead("env", "render", "dev", code=2)
    check(re.search(r"infrastructure/environments/dev\.yaml:\d+:\d+: .*colour", said), said)
    copy.git("checkout", "-q", "--", file)


def a_port_that_is_taken(copy):
    with socket.create_server(("127.0.0.1", copy.edge)):
        said = copy.up(code=1)
    check(f"127.0.0.1:{copy.edge} is already in use by" in said and "--edge-port" in said, said)
    check(not copy.processes(), "nothing is left of a start that failed")


def a_port_for_two(copy):
    said = copy.fairlead("up", f"--api-port={copy.edge}", f"--edge-port={copy.edge}", code=2)
    check("need a port each" in said and not copy.processes(), said)


def up(copy):
    before = copy.git("status", "--porcelain")
    said = copy.up()
    check("3 Synced and Healthy" in said, said)
    check(copy.git("status", "--porcelain") == before, "the checkout is not touched")
    for name, mode in ((".fairlead", 0o700), (".fairlead/state.db", 0o600), (".fairlead/kubeconfig", 0o600)):
        found = os.stat(os.path.join(copy.root, name)).st_mode & 0o777
        check(found == mode, f"{name} has mode {found:o}: other users could read Secrets")
    code, page = copy.shop()
    check(code == 200 and "<html" in page, f"the shop answered {code}: {page}")


def up_twice(copy):
    said = copy.up(code=1)
    check("already running" in said and "fairlead down" in said, said)


def somebody_else_asks(copy):
    """Another user is told that this is not theirs to see, not that nothing runs."""
    if os.getuid() != 0 or copy.user:
        return
    other = pwd.getpwnam("nobody")
    mode = os.stat(copy.root).st_mode & 0o777
    os.chmod(copy.root, 0o755)
    try:
        for command in ("status", "down"):
            done = subprocess.run([copy.program, command], cwd=copy.root, user=other.pw_uid, group=other.pw_gid,
                                  extra_groups=[], capture_output=True, text=True)
            check(done.returncode == 1 and "cannot read" in done.stderr and "root's alone" in done.stderr, done)
    except PermissionError:
        print("left out: the program lies where another user may not enter")
    finally:
        os.chmod(copy.root, mode)


def logs_of_nothing(copy):
    said = copy.fairlead("logs", "nosuch", code=2)
    check("only the services catalog, storefront" in said, said)


def load_that_ends_early(copy):
    """Ctrl-C: the report of what was sent, and 130. Answers without a version are told from no answers."""
    enough = threading.Semaphore(0)

    class NotFound(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)
            enough.release()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.serve_forever).start()
        load = copy.start("load", "--url", f"http://127.0.0.1:{server.server_port}/", "--duration", "60s")
        answered = all(enough.acquire(timeout=WAIT_SECONDS) for _ in range(10))
        load.send_signal(signal.SIGINT)
        said, problem = load.communicate(timeout=WAIT_SECONDS)
        server.shutdown()
    check(answered, f"ten requests: {said}{problem}")
    check(load.returncode == 130 and "interrupted" in problem, f"ended with {load.returncode}: {said}{problem}")
    check(re.search(r"\(no version\) +\d+ +100.0 % \(\d+ 4xx\)", said) and "(no answer)" not in said, said)


def the_firewall_refuses(copy):
    for path in ("/../../etc/passwd", "/?id=1%27%20OR%20%271%27=%271", "/?file=../../../../etc/passwd", "/?q=<script>alert(1)</script>"):
        code, _ = copy.shop(path)
        check(code == 403, f"{path} got {code}")
    wait_for("the log line that names the rule", lambda: re.search(r'\[id "9\d+"\]', copy.fairlead("logs", "edge", "-n", "gateway")))


def metrics(copy):
    """Prometheus scrapes every pod; nobody reads metrics through the edge."""
    def scraped():
        return sorted(s["metric"]["app"] for s in copy.query("up") if s["value"][1] == "1")
    wait_for("every pod is scraped", lambda: scraped() == ["catalog", "catalog", "edge", "storefront", "storefront"])
    code, _ = copy.shop("/metrics")
    check(code == 404, f"/metrics through the edge got {code}")


def an_image(copy):
    """The same sources give the same digest, and other programs read what was made."""
    if copy.user:
        return  # Who may not write the build cannot build.
    one, two = (json.loads(copy.fairlead("image", "build", "catalog", "--tag", "test", "--output", "json")) for _ in range(2))
    check(one == two, f"{one} is not {two}")
    if not shutil.which("skopeo"):
        print("left out: reading the image with skopeo, which is not here")
        return
    said = copy.fairlead("image", "build", "catalog", "--tag", "test", "--no-test")
    look = re.search(r"^look at it: (skopeo inspect oci:.*)$", said, re.MULTILINE)
    check(look, said)
    done = copy.run(look[1].split())
    check(done.returncode == 0, f"{look[1]}: {done.stderr}")
    seen = json.loads(done.stdout)
    check(seen["Digest"] == one["digest"] and "APP_VERSION=test" in seen["Env"], seen)


def an_image_holds_what_its_dockerfile_says(copy):
    images = os.path.join(copy.root, ".fairlead", "images")

    def blob(digest):
        return os.path.join(images, "blobs", *digest.split(":"))

    for service in ("catalog", "storefront"):
        with open(os.path.join(images, "index.json"), encoding="utf-8") as file:
            digest = next(m["digest"] for m in json.load(file)["manifests"] if f"/{service}:" in json.dumps(m["annotations"]))
        with open(blob(digest), encoding="utf-8") as file:
            layers = json.load(file)["layers"]
        with tarfile.open(blob(layers[0]["digest"])) as layer:
            files = sorted("/" + entry.name for entry in layer if entry.isfile())
        with open(os.path.join(copy.root, "apps", service, "Dockerfile"), encoding="utf-8") as file:
            copied = sorted(re.findall(r"^COPY --from=build \S+ (\S+)$", file.read(), re.MULTILINE))
        check(len(layers) == 1 and files == copied, f"{service}: {files} is not {copied}")


def malformed_yaml(copy):
    copy.deliver("Malformed", edit(CATALOG, r"kind: Rollout\n", "kind: Rollout\nbad: [\n"))
    problem = wait_for("the service says what is wrong", lambda: copy.status("catalog")["problems"])
    check(any(re.search(re.escape(CATALOG) + r":\d+:\d+: ", p) for p in problem), problem)
    copy.undo()
    wait_for("the revert is synced", lambda: copy.status("catalog")["sync"] == "Synced")


def an_unknown_field(copy):
    copy.deliver("Unknown field", edit(CATALOG, r"(kind: Rollout\n(?:.*\n)*?)spec:\n", r"\1spec:\n  replica: 2\n"))
    problem = wait_for("the service says what is wrong", lambda: copy.status("catalog")["problems"])
    check(any("replica" in p and CATALOG in p for p in problem), problem)
    copy.undo()
    wait_for("the revert is synced", lambda: copy.status("catalog")["sync"] == "Synced")


def pods_that_are_refused(copy):
    copy.deliver("Privileged", edit(CATALOG, r"allowPrivilegeEscalation: false", "privileged: true"))
    problem = wait_for("the reason", lambda: [p for p in copy.status("catalog")["problems"] if "FailedCreate" in p])
    check("forbidden" in problem[0] and "privileged" in problem[0], problem)
    check(copy.shop()[0] == 200, "the stable version serves")
    copy.undo()
    wait_for("the revert is healthy", lambda: copy.status("catalog")["health"] == "Healthy")


def an_image_that_does_not_exist(copy):
    copy.deliver("No such image", edit(CATALOG, r"@sha256:[0-9a-f]{64}", "@sha256:" + "0" * 64))
    problem = wait_for("the pod's reason", lambda: copy.status("catalog")["problems"])
    check(any("Image" in p and "0" * 12 in p for p in problem), problem)
    check(copy.shop()[0] == 200, "the stable version serves")
    copy.undo()
    wait_for("the revert is healthy", lambda: copy.status("catalog")["health"] == "Healthy")


def a_commit_that_cannot_be_synced(copy):
    """Whoever ships it hears of that, and not only after the time that a rollout may take."""
    edit(CATALOG, r"(kind: Rollout\n(?:.*\n)*?)spec:\n", r"\1spec:\n  replica: 2\n")(copy.root)
    copy.git("commit", "-q", "-a", "-m", "Cannot be synced")
    said = copy.fairlead("ship", code=1)
    check("catalog cannot be synced to" in said and "replica" in said and CATALOG in said, said)
    copy.git("revert", "--no-edit", "HEAD")
    said = copy.fairlead("ship")
    check("objects of catalog, not the pods" in said and "catalog is synced to" in said, said)


def another_template(run):
    return edit(CATALOG, r"(\n  template:\n    metadata:\n      annotations:\n)", rf'\1        run: "{run}"\n')


def pods(copy, app):
    return copy.call(f"/api/v1/namespaces/shop/pods?labelSelector=app%3D{app}")["items"]


def kill_containers(copy, service):
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/cmdline", "rb") as file:
                named = file.read().split(b"\0")[0].endswith(b"/" + service.encode())
            if named and copy.descends(int(os.path.basename(path))):
                os.kill(int(os.path.basename(path)), signal.SIGKILL)
        except OSError:
            continue


def a_container_is_killed(copy):
    restarts = lambda: sum(p["status"]["containerStatuses"][0]["restartCount"] for p in pods(copy, "catalog"))
    before = restarts()
    kill_containers(copy, "catalog")
    wait_for("the containers are started again", lambda: restarts() >= before + 2)
    wait_for("the pods are ready again", lambda: copy.status("catalog")["health"] == "Healthy" and
             all(v["readyPods"] == v["pods"] for v in copy.status("catalog")["versions"]))


def a_canary_that_crashes(copy):
    """It answers nothing and so counts no error: it goes back for its restarts."""
    copy.deliver("Crashing", another_template("crash"))
    hash = wait_for("the canary", lambda: [v["podTemplateHash"] for v in copy.status("catalog")["versions"]
                                           if v["role"] == "canary" and v["readyPods"]])[0]
    wait_for("it is scraped", lambda: copy.query(f'process_start_time_seconds{{rollouts_pod_template_hash="{hash}"}}'))
    kill_containers(copy, "catalog")
    wait_for("it goes back", lambda: copy.status("catalog")["abortedAt"])
    evidence = [e["metric"] for e in copy.status("catalog")["evidence"]]
    check(evidence == ["restarts"], evidence)
    copy.undo()
    wait_for("the revert is healthy", lambda: copy.status("catalog")["health"] == "Healthy")


def killed_while_it_writes(copy):
    """No acknowledged write is lost, nothing is left behind, and a canary goes on where it was."""
    copy.deliver("Another pod template", another_template("next"))
    canary = lambda: any(v["role"] == "canary" and v["readyPods"] for v in copy.status("catalog")["versions"])
    wait_for("the canary", canary)
    acknowledged = []

    def write():
        try:
            for number in range(100000):
                copy.call("/api/v1/namespaces/default/configmaps", "POST",
                          {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"write-{number}"}})
                acknowledged.append(f"write-{number}")
        except (OSError, urllib.error.URLError):
            pass
    writer = threading.Thread(target=write)
    writer.start()
    wait_for("fifty writes", lambda: len(acknowledged) >= 50)
    inside = {os.readlink(f"/proc/{pid}/ns/pid") for pid in copy.processes()}
    mine = os.readlink("/proc/self/ns/pid")
    copy.kill()
    writer.join()
    wait_for("its processes are gone", lambda: not copy.processes())

    def left():
        out = []
        for path in glob.glob("/proc/[0-9]*"):
            try:
                if os.readlink(path + "/ns/pid") in inside - {mine}:
                    out.append(path)
            except OSError:
                continue
        return out
    wait_for("every container is gone", lambda: not left())
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        check(copy.root not in mounts.read(), "no mount is left")
    copy.fairlead("up")  # Where it was, without being told.
    stored = {c["metadata"]["name"] for c in copy.call("/api/v1/namespaces/default/configmaps")["items"]}
    lost = [name for name in acknowledged if name not in stored]
    check(not lost, f"lost: {lost}")
    wait_for("the canary goes on", canary)
    check(not copy.status("catalog")["abortedAt"], "it is not rolled back for having been down")


def a_change_that_is_no_image(copy):
    """It is followed as an image is: rolled back, with the reason. And HEAD may not go back behind what is delivered."""
    def change(file, pattern, replacement):
        edit(file, pattern, replacement)(copy.root)
    change(CATALOG, r"progressDeadlineSeconds: 300", "progressDeadlineSeconds: 10\n  progressDeadlineAbort: true")
    change(CATALOG, r'(name: PORT, value: )"8080"', r'\1"none"')
    copy.git("commit", "-q", "-a", "-m", "A port that is none")
    said = copy.fairlead("ship", code=4)
    check("it changes the pods of catalog\n" in said and "catalog was rolled back" in said, said)
    check(re.search(r'CrashLoopBackOff: ended with exit code [1-9]\d*, saying ".*PORT.*": see `fairlead logs catalog-', said), said)
    broken = copy.git("rev-parse", "HEAD")[:7]
    copy.git("reset", "-q", "--hard", "HEAD~1")
    said = copy.fairlead("ship", code=1)
    check(f'1 commit of yours ({broken} "A port that is none")' in said and said.count("\n") == 1, said)
    copy.git("merge", "-q", "--ff-only", broken)
    copy.git("revert", "--no-edit", "HEAD")
    check("catalog is promoted" in copy.fairlead("ship"), "the revert is followed, too")
    said = copy.fairlead("ship")
    check("nothing to commit" in said and "all of HEAD" in said and "image" not in said, said)


def a_service_whose_application_is_gone(copy):
    application = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/catalog"
    copy.deliver("No catalog", lambda clone: os.remove(os.path.join(clone, "infrastructure/clusters/dev/catalog.yaml")))
    wait_for("it is said", lambda: any("no Application" in p for p in copy.status("catalog")["problems"]))
    copy.undo()
    wait_for("it is back", lambda: copy.status("catalog")["sync"] == "Synced" and copy.call(application))


def status_that_goes_on(copy):
    """Without a terminal the time parts one look from the next."""
    status = copy.start("status", "--watch")
    lines = []
    try:
        while sum(bool(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z\n", line)) for line in lines) < 2:
            lines.append(status.stdout.readline())
            check(lines[-1], f"it goes on: {lines}")
    finally:
        status.terminate()
        status.communicate(timeout=WAIT_SECONDS)
    check(lines[-2] == "\n" and lines[1].startswith("SERVICE"), lines)


def ships_that_are_not_followed_to_their_end(copy):
    """A newer commit takes the place of an older one, which says so; Ctrl-C leaves the rollout to itself."""
    if copy.user:
        return  # Who may not write the build cannot build.
    committed = lambda ship: re.search(r"committed ([0-9a-f]{7})", ship.stdout.readline())
    first = copy.start("ship", "catalog", "--no-test", "--tag", "first")
    check(committed(first), "the first ship commits")
    second = copy.start("ship", "catalog", "--no-test", "--tag", "second")
    newer = committed(second)
    check(newer, "the second ship commits")
    said, problem = first.communicate(timeout=WAIT_SECONDS)
    check(first.returncode == 5 and newer[1] in said, f"the first ship ended with {first.returncode}: {said}{problem}")
    second.send_signal(signal.SIGINT)
    said, problem = second.communicate(timeout=WAIT_SECONDS)
    check(second.returncode == 130 and "its rollout goes on" in said,
          f"the second ship ended with {second.returncode}: {said}{problem}")


def a_bad_version_of_what_only_services_call(copy):
    """Its canary gets the share of requests that its pods are of all, whatever connections its callers keep."""
    if copy.user:
        return  # Who may not write the build cannot build.
    load = copy.start("load", "--rate", "60", "--duration", f"{WAIT_SECONDS}s")
    said = copy.fairlead("ship", "catalog", "--no-test", "--env", "FAULT_ERROR_RATE=0.3", code=4)
    load.send_signal(signal.SIGINT)
    load.communicate(timeout=WAIT_SECONDS)
    check("error-rate was Failed" in said, said)


def container_logs(copy):
    return sorted(glob.glob(os.path.join(copy.root, ".fairlead/log/pods/**/*.log"), recursive=True))


def down(copy):
    before = container_logs(copy)
    check(before, "containers have logs")
    copy.fairlead("down")
    check(container_logs(copy) == before, "nothing was started while it stopped")
    check(not copy.processes(), "no process is left")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        check(copy.root not in mounts.read(), "no mount is left")


def its_state_is_removed(copy):
    """Nobody would find it any more, so it ends by itself."""
    copy.fairlead("up", "--no-wait")
    check(copy.processes(), "it runs")
    shutil.rmtree(os.path.join(copy.root, ".fairlead"), ignore_errors=True)
    wait_for("its processes are gone", lambda: not copy.processes())


TESTS = [nothing_runs_yet, outside_a_repository, what_is_not_there, help_of_every_command,
         a_machine_that_is_not_known, an_environment_with_an_unknown_key, a_port_that_is_taken, a_port_for_two, up,
         up_twice, somebody_else_asks, logs_of_nothing, load_that_ends_early, the_firewall_refuses, metrics, an_image,
         an_image_holds_what_its_dockerfile_says, malformed_yaml, an_unknown_field, a_commit_that_cannot_be_synced,
         pods_that_are_refused, an_image_that_does_not_exist, a_container_is_killed, a_canary_that_crashes,
         a_change_that_is_no_image, a_service_whose_application_is_gone, status_that_goes_on, killed_while_it_writes,
         ships_that_are_not_followed_to_their_end, a_bad_version_of_what_only_services_call, down,
         its_state_is_removed]


def main(arguments):
    build = arguments[0]
    as_user = "--as-user" in arguments
    names = [a for a in arguments[1:] if not a.startswith("--")]
    if as_user and os.getuid() != 0:
        print("skipped: this is an ordinary user already; the other run of this test does it")
        return SKIPPED
    if as_user and subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "test", "-x",
                                   os.path.join(os.path.abspath(build), "engine", "cli", "fairlead")]).returncode != 0:
        print(f"skipped: nobody may not enter a folder above {build}: check the sources out where others may read")
        return SKIPPED
    engine = next((a.partition("=")[2] for a in arguments if a.startswith("--engine=")), build)
    copy = Copy(build, engine, pwd.getpwnam("nobody") if as_user else None)
    doctor = copy.run([copy.program, "doctor"])
    if doctor.returncode != 0:
        print("skipped: this machine cannot run a cluster:\n" + doctor.stdout)
        return SKIPPED
    failed = 0
    try:
        for test in TESTS:
            if names and test.__name__ not in names:
                continue
            start = time.monotonic()
            try:
                test(copy)
                print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
            except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAILED  {test.__name__}: {problem}", flush=True)
        if failed:
            log = os.path.join(copy.root, ".fairlead", "log", "fairlead.log")
            if os.path.exists(log):
                with open(log, encoding="utf-8") as stream:
                    print("the cluster's log ends with:\n" + "".join(stream.readlines()[-30:]))
    finally:
        copy.run([copy.program, "down"])
        copy.kill()
        shutil.rmtree(copy.root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
