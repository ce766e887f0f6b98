"""How a runner registers and how its identity is kept from it: the scripts of modules/runners, with a GitHub and an `az` of
ours in place of theirs."""
import base64
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading

# Answers what was patched; a job that is new knows no settings. With STUBBORN it forgets what it was told.
AZ = """#!/usr/bin/env python3
import json, os, pathlib, sys
state = pathlib.Path(os.environ["AZ_STATE"])
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
if sys.argv[1:2] != ["rest"] or not option("--url").startswith("/job?api-version="):
    sys.exit("unexpected: " + " ".join(sys.argv))
if option("--method") == "patch":
    settings = json.loads(option("--body"))["properties"]["configuration"]["identitySettings"]
    with open(str(state) + ".log", "a") as log:
        log.write("patched\\n")
    if "STUBBORN" not in os.environ:
        state.write_text(json.dumps([[one["identity"], one["lifecycle"]] for one in settings]))
else:
    print(state.read_text())
"""


class GitHub(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"].removeprefix("Bearer "), body))
        answer = {"token": "of the installation", "encoded_jit_config": "good for one job"}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer if self.server.status < 400 else {"message": "no"}).encode())

    def log_message(self, *args):
        pass


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def is_signed(token, public_key, folder):
    text, signature = token.rsplit(".", 1)
    (folder / "signature").write_bytes(decode(signature))
    return subprocess.run(["openssl", "dgst", "-sha256", "-verify", public_key, "-signature", folder / "signature"],
                          input=text.encode(), capture_output=True).returncode == 0


def register(module, folder, key, status):
    """(exit code, what GitHub was asked, what the runner gets or None, what was said)"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    server.asked, server.status = [], status
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out = folder / "registration"
    out.unlink(missing_ok=True)
    done = subprocess.run(["python3", "-c", (module / "register").read_text()], text=True, capture_output=True, timeout=60, env={
        "PATH": os.environ["PATH"], "API": f"http://127.0.0.1:{server.server_address[1]}", "OUT": str(out), "APP_ID": "7",
        "APP_KEY": key.read_text().rstrip("\n"), "INSTALLATION_ID": "8", "ORGANIZATION": "o", "RUNNER_GROUP": "3", "LABEL": "ring-dev"})
    server.shutdown()
    server.server_close()
    return done.returncode, server.asked, out.read_text() if out.exists() else None, done.stdout + done.stderr


def check_register(module, folder):
    key, public = folder / "app.pem", folder / "app.pub"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    code, asked, registration, said = register(module, folder, key, 201)
    if code != 0 or registration != "good for one job" or len(asked) != 2:
        yield f"register: exit code {code}, asked {asked}: {said}"
        return
    (first, app_token, permissions), (second, token, runner) = asked
    if (first, permissions["permissions"]) != ("/app/installations/8/access_tokens", {"organization_self_hosted_runners": "write"}):
        yield f"register: asks {first} for {permissions}"
    if not is_signed(app_token, public, folder) or json.loads(decode(app_token.split(".")[1]))["iss"] != "7":
        yield f"register: the App's token is {app_token}"
    if (second, token) != ("/orgs/o/actions/runners/generate-jitconfig", "of the installation"):
        yield f"register: asks {second} with {token}"
    if (runner["labels"], runner["runner_group_id"]) != (["ring-dev"], 3):
        yield f"register: registers {runner}"
    if key.read_text().splitlines()[1] in said or "installation" in said:
        yield f"register: says a secret: {said}"
    code, _, registration, said = register(module, folder, key, 403)
    if code == 0 or registration is not None or "GitHub answers 403" not in said:
        yield f"register: GitHub refuses: exit code {code}: {said}"


def seal(module, folder, settings, **more):
    state, log = folder / "settings.json", folder / "settings.json.log"
    state.write_text(json.dumps(settings))
    log.write_text("")
    done = subprocess.run([module / "seal"], text=True, capture_output=True, timeout=60, env={
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AZ_STATE": str(state), "JOB_ID": "/job", "IDENTITY_ID": "/identity",
        "ATTEMPTS": "2", "INTERVAL": "0", **more})
    return done.returncode, len(log.read_text().split()), json.loads(state.read_text())


def check_seal(module, folder):
    sealed = [["/identity", "None"]]
    for what, settings, more, expected in (
            ("a new job", None, {}, (0, 1, sealed)),
            ("one that is sealed, in Azure's spelling", [["/IDENTITY", "None"]], {}, (0, 0, [["/IDENTITY", "None"]])),
            ("one that lets its containers in", [["/identity", "All"]], {}, (0, 1, sealed)),
            ("one that stays open", None, {"STUBBORN": "1"}, (1, 1, None))):
        have = seal(module, folder, settings, **more)
        if have != expected:
            yield f"seal: {what}: {have}, not {expected}"


def check(root):
    module = root / "infrastructure/terraform/modules/runners"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "az").write_text(AZ)
        (folder / "az").chmod(0o755)
        yield from check_register(module, folder)
        yield from check_seal(module, folder)
