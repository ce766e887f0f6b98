"""infrastructure/bootstrap's part: what it tells a cluster about itself, and what it copies into the registry."""
import json
import os
import re
import shutil
import subprocess

# Stands for az, curl, sha256sum, skopeo and the program: keeps the files that the cluster would get, and says what CALLS is told to say.
STUB = """#!/bin/bash
echo "${0##*/} $*" >>"$STUBS/calls"
case "${0##*/} $*" in
  "az identity show"*) echo 11111111-2222-3333-4444-555555555555 ;;
  "az aks command invoke"*) cp ./* "$STUBS/given/"; echo '{"exitCode": 0, "logs": ""}' ;;
  "az acr import"*) [ -z "$REFUSAL" ] || { echo "$REFUSAL" >&2; exit 1; } ;;
  "fairlead image build"*) echo '{"image": "localhost/catalog:abc@sha256:'"$(printf '7%.0s' {1..64})"'"}' ;;
  "sha256sum "*) cat >/dev/null ;;
  "curl "*) while [ "$1" != --output ]; do shift; done; echo "        image: quay.io/argoproj/argocd:v0" >"$2" ;;
esac
"""


def run(tree, folder, *command, refusal=""):
    """Exit code, output, the calls made and the files given to the cluster."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "given").mkdir(parents=True)
    for name in ("az", "curl", "fairlead", "sha256sum", "skopeo"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    done = subprocess.run([tree.root / "infrastructure/bootstrap" / command[0], *command[1:]], text=True, capture_output=True, timeout=60,
                          env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "STUBS": str(folder), "REFUSAL": refusal, "FAIRLEAD": "fairlead"})
    calls = (folder / "calls").read_text() if (folder / "calls").exists() else ""
    return done.returncode, done.stdout + done.stderr, calls, {path.name: path.read_text() for path in (folder / "given").iterdir()}


def annotations_used(tree):
    return set(re.findall(r"\.metadata\.annotations\.(\w+)", json.dumps(list(tree.sets.values()))))


def check_argocd(tree, folder):
    """The cluster's Secret has the annotations that the ApplicationSets use, and no other, with the environment's values."""
    for environment, value in tree.environments.items():
        for name, region in value["regions"].items():
            code, said, calls, given = run(tree, folder, "argocd", environment, name)
            if code != 0:
                yield f"bootstrap/argocd {environment} {name}: exit code {code}: {said}"
                continue
            secret = json.loads(given["cluster.json"])["metadata"]
            has_edge = "edge" in value
            wanted = {
                "registry": value["registry"]["loginServer"], "gatewayIp": region["gatewayIp"], "gatewaySubnet": "gateway",
                "tenant": value["azure"]["tenant"], "externalSecretsClientId": "11111111-2222-3333-4444-555555555555",
                "keyVault": value["global"]["keyVault"] if has_edge else "", "certificate": value["global"]["certificate"] if has_edge else "",
            }
            if secret["annotations"] != wanted or set(wanted) != annotations_used(tree):
                yield f"bootstrap/argocd {environment} {name}: writes {secret['annotations']}, used are {sorted(annotations_used(tree))}"
            for one in tree.sets.values():
                selector = one["spec"]["generators"][0]["clusters"]["selector"]["matchLabels"]
                if not selector.items() <= secret["labels"].items():
                    yield f"{one['metadata']['name']}: does not select the cluster by {selector}"
            if f"--name {value['identities']['external-secrets']['name']} " not in calls:
                yield f"bootstrap/argocd {environment}: asks for another identity than External Secrets'"
            order = [given["install.sh"].find(f"--filename={file}") for file in ("settings.yaml", "argocd.yaml", "cluster.json", "platform.yaml", "root.yaml")]
            if -1 in order or order != sorted(order) or given["platform.yaml"] != (tree.platform / "root.yaml").read_text():
                yield f"bootstrap/argocd {environment}: does not apply settings, Argo CD, the cluster, the add-ons and the services in this order"
            syntax = subprocess.run(["bash", "-n"], input=given["install.sh"], text=True, capture_output=True)
            if syntax.returncode != 0:
                yield f"bootstrap/argocd: {syntax.stderr}"


def check_images(tree, folder):
    code, said, calls, _ = run(tree, folder, "images", "dev")
    digest = [line for line in calls.splitlines() if "@sha256:" in line and re.search(r"--source \S+/envoy@sha256:", line)]
    if code != 0 or any(f"--image {copy} " not in calls for copy in tree.copied()) or not digest:
        yield f"bootstrap/images: exit code {code}, called {calls}{said}"
    if run(tree, folder, "images", "dev", refusal="(Conflict) Tag docker/a:1 already exists in target registry.")[0] != 0:
        yield "bootstrap/images: is not idempotent"
    if run(tree, folder, "images", "dev", refusal="(Forbidden) no")[0] == 0:
        yield "bootstrap/images: hides a refusal"


def check_identities(tree, folder):
    """What is granted something has the id that Azure knows, also where its values name none yet. `tree` is changed."""
    (tree.root / "tools/render").parent.mkdir(exist_ok=True)
    (tree.root / "tools/render").write_text("#!/bin/bash\n")
    (tree.root / "tools/render").chmod(0o755)
    values = tree.root / "infrastructure/apps/catalog/values-dev.yaml"
    before = values.read_text()
    identity, line = tree.environments["dev"]["identities"]["catalog"]["name"], "clientId: 11111111-2222-3333-4444-555555555555\n"
    for start in (re.sub(r"(?m)^clientId: .*\n", "", before), before.replace("\n", "\nclientId: 00000000-0000-0000-0000-000000000000\n", 1)):
        values.write_text(start)
        code, said, calls, _ = run(tree, folder, "identities", "dev")
        if code != 0 or values.read_text().count("clientId:") != 1 or line not in values.read_text() or f"--name {identity} " not in calls:
            yield f"bootstrap/identities: exit code {code}, called {calls}, wrote {values.read_text()}{said}"
    if "clientId" in (tree.root / "infrastructure/apps/storefront/values-dev.yaml").read_text():
        yield "bootstrap/identities: gives one to a service that is granted nothing"


def check_release(tree, folder):
    """What was pushed is what is pinned. `tree` is changed."""
    (tree.root / "tools/render").parent.mkdir(exist_ok=True)
    (tree.root / "tools/render").write_text("#!/bin/bash\n")
    (tree.root / "tools/render").chmod(0o755)
    code, said, calls, _ = run(tree, folder, "release", "dev", "catalog")
    image, values = "fairleaddev.azurecr.io/catalog:abc", (tree.root / "infrastructure/apps/catalog/values-dev.yaml").read_text()
    pushed = f"skopeo copy --preserve-digests oci:.fairlead/images:localhost/catalog:abc docker://{image}" in calls
    if code != 0 or not pushed or values.count("image:") != 1 or f"image: {image}@sha256:{'7' * 64}\n" not in values:
        yield f"bootstrap/release: exit code {code}, called {calls}, wrote {values}{said}"


def findings(tree, folder):
    yield from check_argocd(tree, folder)
    yield from check_images(tree, folder)
