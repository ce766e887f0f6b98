"""infrastructure/bootstrap's first apply and certificate, with an `az` and a `tofu` of ours."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

# The storage exists once an apply has succeeded. In bash, as it is called often.
AZURE = """#!/bin/bash
echo "az $*" >>"$CALLS"
case "$*" in
  "storage account show"*) [ -e "$WORLD/storage" ] && echo /storage ;;
  "keyvault certificate issuer show"*) [ -e "$WORLD/issuer" ] ;;
  *issuers/*"--method put"*) touch "$WORLD/issuer" ;;
  *"--method get"*) cat "$WORLD/policy" 2>/dev/null ;;
  *create*"--method post"*) all=$* && body=${all##*--body @} && cp "${body%% *}" "$WORLD/asked" ;;
esac
"""
# Refuses to apply while a resource provider is registered that the state does not know. Says where the state is.
TOFU = """#!/bin/bash
root=${1#-chdir=}
where=storage; [ ! -e "$root/backend_override.tf" ] || where=$(grep -o 'path = .*' "$root/backend_override.tf")
echo "tofu ${*:2} in $where" >>"$CALLS"
case $2 in
  apply) [ -e "$WORLD/imported" ] || exit 1; touch "$WORLD/storage" ;;
  import) touch "$WORLD/imported" ;;
  init) case "$*" in *-migrate-state*) [ ! -e "$WORLD/forbidden" ] ;; esac ;;
esac
"""


class World:
    """A tree of its own with what the scripts read, and folders for what they call and leave."""

    def __init__(self, root, folder):
        self.tree, self.folder, self.calls = folder / "tree", folder, folder / "calls"
        for part in ("infrastructure/bootstrap", "infrastructure/rendered", "tools"):
            shutil.copytree(root / part, self.tree / part)
        self.root = self.tree / "infrastructure/terraform/foundation"
        self.root.mkdir(parents=True)
        for name, text in (("az", AZURE), ("tofu", TOFU)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, script, *arguments, given=""):
        """(exit code, what it called)"""
        self.calls.write_text("")
        done = subprocess.run([self.tree / script, *arguments], text=True, input=given, capture_output=True, timeout=60, env={
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}", "CALLS": str(self.calls), "WORLD": str(self.folder)})
        return done.returncode, self.calls.read_text()


def check_foundation(root, folder):
    """Where the first apply is refused, the state stays at hand: an import goes into it, and the next run goes on."""
    world, first, moved = World(root, folder), 'in path = "first.tfstate"', "-migrate-state -force-copy in storage"
    start = ("infrastructure/bootstrap/foundation", "dev", "203.0.113.7")
    code, _ = world.run(*start)
    _, imported = world.run("tools/terraform", "dev", "foundation", "import", "address", "id")
    if code == 0 or f"import -var=environment=dev address id {first}" not in imported:
        yield f"bootstrap/foundation: after a refused apply, exit code {code}, an import calls: {imported}"
    (folder / "forbidden").touch()  # A role that was just given takes minutes to be seen.
    (world.root / "first.tfstate").touch()
    for attempt, (forbidden, want) in enumerate(((True, False), (False, True), (False, True))):
        (folder / "forbidden").touch() if forbidden else (folder / "forbidden").unlink(missing_ok=True)
        code, calls = world.run(*start)
        left = [path.name for path in world.root.iterdir()]
        if (code == 0) != want or (attempt < 2 and moved not in calls) or (want and left) or (attempt == 2 and first in calls):
            yield f"bootstrap/foundation: attempt {attempt}: exit code {code}, leaves {left}: {calls}"


def check_certificate(root, folder):
    """It bears a host for each origin, is renewed by a share of its life, stays while it bears all, and is asked for again when not."""
    world, start = World(root, folder), ("infrastructure/bootstrap/certificate", "prod")
    prod = json.loads((root / "infrastructure/rendered/prod/environment.json").read_text())
    hosts = [prod["edge"]["certificate"]["host"], *(region["originHost"] for region in prod["regions"].values())]
    if world.run(*start)[0] != 2:
        yield "bootstrap/certificate does not ask for the account with an authority that the vault does not know"
    code, calls = world.run(*start, "account", "organization", given="SECRET")
    asked = json.loads((folder / "asked").read_text())["policy"] if (folder / "asked").exists() else {}
    said = (asked.get("x509_props", {}).get("sans"), asked.get("lifetime_actions"))
    want = ({"dns_names": hosts}, [{"trigger": {"lifetime_percentage": 70}, "action": {"action_type": "AutoRenew"}}])
    if code != 0 or "SECRET" in calls or said != want:
        yield f"bootstrap/certificate: exit code {code}, asks for {said}: {calls}"
    for names, again in ((hosts, False), (hosts[:-1], True)):
        (folder / "policy").write_text(json.dumps({"x509_props": {"sans": {"dns_names": names}}}))
        code, calls = world.run(*start)
        if code != 0 or ("/create?" in calls) != again:
            yield f"bootstrap/certificate: with one for {names}, exit code {code}: {calls}"


def check(root):
    for look in (check_foundation, check_certificate):
        with tempfile.TemporaryDirectory() as folder:
            yield from look(root, pathlib.Path(folder))
