"""The scripts that Terraform and people run, with an `az` of ours in place of Azure's."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

AZ = """#!/usr/bin/env python3
import json, os, pathlib, sys
state = pathlib.Path(os.environ["AZ_STATE"])
connections = json.loads(state.read_text())
command = sys.argv[1:4]
if command == ["network", "private-endpoint-connection", "list"]:
    json.dump(connections, sys.stdout)
elif command == ["network", "private-endpoint-connection", "approve"]:
    wanted = sys.argv[sys.argv.index("--id") + 1]
    for connection in connections:
        if connection["id"] == wanted:
            connection["properties"]["privateLinkServiceConnectionState"]["status"] = "Approved"
    state.write_text(json.dumps(connections))
    with open(os.environ["AZ_STATE"] + ".log", "a") as log:
        log.write(wanted + "\\n")
else:
    sys.exit("unexpected: " + " ".join(sys.argv))
"""
# Remembers of each kind of thing whether it is open, and to whom.
DOORS = """#!/usr/bin/env python3
import json, os, pathlib, sys
state = pathlib.Path(os.environ["AZ_STATE"])
doors = json.loads(state.read_text())
words = [word for word in sys.argv[1:] if not word.startswith("-")]
kind = words[0]
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
door = doors[option("--name") if kind == "keyvault" else kind]
if "update" in words:
    off = ("--public-network-access", "Disabled") if kind != "acr" else ("--public-network-enabled", "false")
    door["open"] = option(off[0]) != off[1]
elif "network-rule" in words and "list" in words:
    print("\\n".join(door["rules"]))
elif "network-rule" in words:
    address = option("--ip-address")
    door["rules"] = sorted({*door["rules"], address} - ({address} if "remove" in words else set()))
elif "show" not in words:
    sys.exit("unexpected: " + " ".join(sys.argv))
state.write_text(json.dumps(doors))
"""
MESSAGE = "afd-x asks to reach the origin"


def connection(name, text, status):
    return {"id": name, "properties": {"privateLinkServiceConnectionState": {"description": text, "status": status}}}


def approve(root, folder, connections):
    """(exit code, what was approved, what was said)"""
    state = folder / "connections.json"
    log = folder / "connections.json.log"
    log.write_text("")
    if connections is not None:
        state.write_text(json.dumps(connections))
    done = subprocess.run([root / "infrastructure/terraform/edge/approve"], text=True, capture_output=True, timeout=60, env={
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AZ_STATE": str(state), "GATEWAY_ID": "/gateway",
        "MESSAGE": MESSAGE, "ATTEMPTS": "3", "INTERVAL": "0"})
    return done.returncode, log.read_text().split(), done.stdout + done.stderr


def check_door(root, folder):
    """Open lets one address in, everywhere; close leaves nothing open and nobody in."""
    state = folder / "doors.json"
    dev = json.loads((root / "infrastructure/rendered/dev/environment.json").read_text())
    places = ("storage", "acr", dev["global"]["keyVault"], dev["hub"]["runners"]["keyVault"])
    state.write_text(json.dumps({place: {"open": False, "rules": []} for place in places}))
    (folder / "az").write_text(DOORS)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AZ_STATE": str(state)}
    for arguments, is_open in ((["open", "dev", "203.0.113.7"], True), (["close", "dev"], False), (["close", "dev"], False)):
        done = subprocess.run([root / "infrastructure/bootstrap/door", *arguments], text=True, capture_output=True, env=environment)
        doors = json.loads(state.read_text())
        people = {rule.removesuffix("/32") for door in doors.values() for rule in door["rules"]}
        if done.returncode != 0 or {door["open"] for door in doors.values()} != {is_open} or people != ({"203.0.113.7"} if is_open else set()):
            yield f"bootstrap/door {' '.join(arguments)}: {doors}: {done.stderr}"
    done = subprocess.run([root / "infrastructure/bootstrap/door", "open", "dev", "203.0.113.0/24"], text=True, capture_output=True, env=environment)
    if done.returncode != 2:
        yield "bootstrap/door opens to a range"


# Stands for az, docker and curl: remembers what it was called with, and answers the two questions that the script asks.
CALLED = """#!/usr/bin/env python3
import os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
if sys.argv[1:3] == ["acr", "repository"]:
    print("sha256:of-what-was-pushed")
elif "releases/latest" in sys.argv[-1]:
    print('{"tag_name": "v9.8.7"}')
"""


def check_runner(root, folder):
    """The key goes into the vault and on no command line; the image is built from upstream's newest, pushed, and its digest said."""
    tree = folder / "tree"
    for part in ("infrastructure/bootstrap", "infrastructure/rendered"):
        shutil.copytree(root / part, tree / part)
    (tree / ".tools").mkdir()
    (tree / ".tools/tofu").touch(mode=0o755)
    for name in ("az", "docker", "curl"):
        (folder / name).write_text(CALLED)
        (folder / name).chmod(0o755)
    key, calls = folder / "app.pem", folder / "calls"
    key.write_text("PRIVATE")
    done = subprocess.run([tree / "infrastructure/bootstrap/runner", "dev", key], text=True, capture_output=True, timeout=60, env={
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls)})
    called = calls.read_text() if calls.exists() else ""
    wanted = (f"--vault-name kv-dev-run-8dfaa --name github-app-key --file {key}", "VERSION=9.8.7", "docker push fairleaddev.azurecr.io/runner:9.8.7")
    missing = [text for text in wanted if text not in called]
    if done.returncode != 0 or missing or "PRIVATE" in called or 'image: "sha256:of-what-was-pushed"' not in done.stdout:
        yield f"bootstrap/runner: exit code {done.returncode}, did not call {missing}: {done.stdout}{done.stderr}"


def check(root):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "az").write_text(AZ)
        (folder / "az").chmod(0o755)
        ours, theirs = connection("ours", MESSAGE, "Pending"), connection("theirs", "somebody else", "Pending")
        cases = [("a connection that waits, and somebody else's", [ours, theirs], (0, ["ours"])),
                 ("the same again", None, (0, [])),
                 ("none yet", [theirs], (1, [])),
                 ("one that was rejected", [connection("ours", MESSAGE, "Rejected")], (1, []))]
        for what, connections, expected in cases:
            code, approved, said = approve(root, folder, connections)
            if (code, approved) != expected:
                yield f"edge/approve: {what}: exit code {code}, approved {approved}, not {expected}: {said}"
        yield from check_door(root, folder)
        yield from check_runner(root, folder)
    for environment in sorted((root / "infrastructure/environments").glob("*.yaml")):
        done = subprocess.run([root / "tools/terraform", environment.stem, "moon", "plan"], text=True, capture_output=True)
        if done.returncode != 2 or "does not apply moon" not in done.stderr:
            yield f"tools/terraform lets {environment.stem} apply the root moon: {done.stderr}"
