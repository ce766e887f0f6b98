"""The scripts that Terraform and people run, with an `az` of ours in place of Azure's."""
import json
import os
import pathlib
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
    for environment in sorted((root / "infrastructure/environments").glob("*.yaml")):
        done = subprocess.run([root / "tools/terraform", environment.stem, "moon", "plan"], text=True, capture_output=True)
        if done.returncode != 2 or "does not apply moon" not in done.stderr:
            yield f"tools/terraform lets {environment.stem} apply the root moon: {done.stderr}"
