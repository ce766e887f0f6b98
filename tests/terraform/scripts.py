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
# Remembers of each thing, in a folder, whether it is open, and to whom. In bash, as it is called often.
DOORS = """#!/bin/bash
declare -A option
for word; do
  [ -z "${name:-}" ] || option[$name]=$word
  case $word in --*) name=$word ;; *) name= ;; esac
done
door=$AZ_STATE/$1
[ "$1" != keyvault ] || door=$AZ_STATE/${option[--name]}
rule=$door/rules/${option[--ip-address]/\\//_}
case "$*" in
  *--public-network-access\\ Disabled* | *--public-network-enabled\\ false*) rm -f "$door/open" ;;
  *" update "*) touch "$door/open" ;;
  *"network-rule list"*) ls "$door/rules" ;;
  *"network-rule add"*) touch "$rule" ;;
  *"network-rule remove"*) rm "$rule" ;;
  *" show "*) ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
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
    dev = json.loads((root / "infrastructure/rendered/dev/environment.json").read_text())
    vaults = [dev["global"]["keyVault"], dev["hub"]["runners"]["keyVault"], *(region["keyVault"] for region in dev["regions"].values())]
    places = [folder / "doors" / place for place in ("storage", "acr", *vaults)]
    for place in places:
        (place / "rules").mkdir(parents=True)
    (folder / "az").write_text(DOORS)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AZ_STATE": str(folder / "doors")}
    for arguments, is_open in ((["open", "dev", "203.0.113.7"], True), (["close", "dev"], False), (["close", "dev"], False)):
        done = subprocess.run([root / "infrastructure/bootstrap/door", *arguments], text=True, capture_output=True, env=environment)
        people = [sorted(rule.name.removesuffix("_32") for rule in (place / "rules").iterdir()) for place in places]
        doors = [(place / "open").exists() for place in places]
        if done.returncode != 0 or doors != [is_open] * len(places) or people != [["203.0.113.7"] if is_open else []] * len(places):
            yield f"bootstrap/door {' '.join(arguments)}: {doors} to {people}: {done.stderr}"
    done = subprocess.run([root / "infrastructure/bootstrap/door", "open", "dev", "203.0.113.0/24"], text=True, capture_output=True, env=environment)
    if done.returncode != 2:
        yield "bootstrap/door opens to a range"


# Stands for az, docker and curl: remembers what it was called with, and answers the two questions that the script asks.
CALLED = """#!/bin/bash
echo "${0##*/} $*" >>"$CALLS"
case "${0##*/} $*" in
  "az acr login"*) echo "logs in ${DOCKER_COMMAND##*/}" >>"$CALLS" ;;
  *" build "*) for context; do :; done; [ -f "$context/tofu" ] && [ ! -L "$context/tofu" ] || exit 1 ;;
  "az acr repository"*) echo sha256:of-what-was-pushed ;;
  *releases/latest) echo '{"tag_name": "v9.8.7"}' ;;
esac
"""


# What the script itself is made of.
PROGRAMS = ("bash", "cp", "dirname", "mktemp", "python3", "rm")


def check_runner(root, folder):
    """The key goes into the vault and on no command line; the image is built from upstream's newest, with Docker or with Podman,
    pushed, and its digest said."""
    tree = folder / "tree"
    for part in ("infrastructure/bootstrap", "infrastructure/rendered"):
        shutil.copytree(root / part, tree / part)
    (tree / ".tools").mkdir()
    (folder / "tofu-1").touch(mode=0o755)
    (tree / ".tools/tofu").symlink_to(folder / "tofu-1")  # As tools/install does with one that is on PATH.
    key = folder / "app.pem"
    key.write_text("PRIVATE")
    for builder in ("docker", "podman"):
        programs, calls = folder / f"with-{builder}", folder / f"calls-{builder}"
        programs.mkdir()
        for name in ("az", builder, "curl"):
            (programs / name).write_text(CALLED)
            (programs / name).chmod(0o755)
        for name in PROGRAMS:  # Not all of PATH: there may be the other builder.
            (programs / name).symlink_to(shutil.which(name))
        done = subprocess.run([tree / "infrastructure/bootstrap/runner", "dev", key], text=True, capture_output=True, timeout=60,
                              env={"PATH": str(programs), "CALLS": str(calls)})
        called = calls.read_text() if calls.exists() else ""
        wanted = (f"--vault-name kv-dev-run-8dfaa --name github-app-key --file {key}", "VERSION=9.8.7", f"logs in {builder}",
                  f"{builder} push fairleaddev.azurecr.io/runner:9.8.7")
        missing = [text for text in wanted if text not in called]
        if done.returncode != 0 or missing or "PRIVATE" in called or 'image: "sha256:of-what-was-pushed"' not in done.stdout:
            yield f"bootstrap/runner, {builder}: exit code {done.returncode}, did not call {missing}: {done.stdout}{done.stderr}"


def check_locks(root, folder):
    """Every root is locked, for each platform."""
    tree, calls = folder / "locked", folder / "tofu.calls"
    for file in (root / "infrastructure/terraform").glob("*/terraform.tf"):
        (tree / file.parent.relative_to(root)).mkdir(parents=True)
        shutil.copy(file, tree / file.relative_to(root))
    (tree / "tools").mkdir()
    shutil.copy(root / "tools/lock-providers", tree / "tools")
    (folder / "tofu").write_text(CALLED)
    (folder / "tofu").chmod(0o755)
    done = subprocess.run([tree / "tools/lock-providers"], text=True, capture_output=True, timeout=60, env={
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls)})
    locked = {line.split()[1].rsplit("/", 1)[1] for line in calls.read_text().splitlines() if line.count("-platform=") == 3}
    if done.returncode != 0 or locked != {"foundation", "hub", "global", "region", "edge"}:
        yield f"lock-providers: exit code {done.returncode}, locked {sorted(locked)}: {done.stderr}"


def check_placeholder(root, folder):
    """An image of runners that nobody pushed is not applied."""
    tree = folder / "placeholder"
    for part in ("tools", "infrastructure/rendered"):
        shutil.copytree(root / part, tree / part)
    file = tree / "infrastructure/rendered/dev/environment.json"
    dev = json.loads(file.read_text())
    (folder / "tofu").write_text(CALLED)
    (folder / "tofu").chmod(0o755)
    for digit, command, code in (("0", "apply", 2), ("0", "plan", 0), ("7", "apply", 0)):
        dev["hub"]["runners"]["image"] = "sha256:" + digit * 64
        file.write_text(json.dumps(dev))
        done = subprocess.run([tree / "tools/terraform", "dev", "hub", command], text=True, capture_output=True, env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CALLS": str(folder / "placeholder.calls")})
        if done.returncode != code or ("is a placeholder" in done.stderr) != (code == 2):
            yield f"tools/terraform dev hub {command}, with a digest of {digit}: exit code {done.returncode}: {done.stderr}"


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
        yield from check_locks(root, folder)
        yield from check_placeholder(root, folder)
    for environment in sorted((root / "infrastructure/environments").glob("*.yaml")):
        done = subprocess.run([root / "tools/terraform", environment.stem, "moon", "plan"], text=True, capture_output=True)
        if done.returncode != 2 or "does not apply moon" not in done.stderr:
            yield f"tools/terraform lets {environment.stem} apply the root moon: {done.stderr}"
