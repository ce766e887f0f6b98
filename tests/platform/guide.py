"""docs/azure-getting-started.md: the commands that run on a cluster use what is there, and the one that asks a sandbox for its page gets
it."""
import http.server
import os
import re
import subprocess
import threading

# What `az aks command invoke` has in its pod, of all that the guide might use.
THERE = {"bash", "kubectl"}
# Stands for az: runs the command as the pod would.
AZ = """#!/bin/bash
while [ "$1" != --command ]; do shift; done
exec bash -c "$2"
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = f"the page of {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


def commands(text):
    """Each whole command of the guide that runs on a cluster."""
    blocks = re.findall(r"(?m)(?:^    .*\n)+", text)
    return [found for block in blocks for found in re.findall(r"(?ms)^    az aks command invoke .*?(?=^    \w|\Z)", block)]


def findings(root, folder):
    text = (root / "docs/azure-getting-started.md").read_text()
    found = commands(text)
    for command in found:
        program = re.search(r'--command "(\w+)', command)
        if not program or program[1] not in THERE or re.search(r"\b(curl|wget)\b", command):
            yield f"docs/azure-getting-started.md: the pod of `az aks command invoke` may not have what this needs: {command}"
    asked = next((command for command in found if "/dev/tcp/" in command), "exit 1")
    host, = re.findall(r"^route: \{hosts: \[(.*)\]\}", (root / "infrastructure/apps/storefront/values-sandbox.yaml").read_text(), re.M)
    folder.mkdir()
    (folder / "az").write_text(AZ)
    (folder / "az").chmod(0o755)
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = asked.replace("$address/80", f"$address/{server.server_port}")
        done = subprocess.run(["bash", "-c", script], text=True, capture_output=True, timeout=30, env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "group": "g", "cluster": "c", "address": "127.0.0.1"})
        server.shutdown()
    if f"the page of {host}" not in done.stdout:
        yield f"docs/azure-getting-started.md: the sandbox's page: exit code {done.returncode}: {done.stdout}{done.stderr}"
