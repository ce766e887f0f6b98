"""Upstream's charts with our values: every image comes from the registry, and what others rely on has its name. Charts are
looked for in the folder FAIRLEAD_CHARTS, each in a folder of its ApplicationSet's name (tools/charts gets them); says when
they are left out."""
import os
import pathlib
import re
import shutil
import subprocess

import yaml

import checks


def filled(value, annotations):
    """What Argo CD's template gives."""
    if isinstance(value, str):
        return re.sub(r"\{\{ \.metadata\.annotations\.(\w+) \}\}", lambda match: annotations[match[1]], value)
    if isinstance(value, dict):
        return {key: filled(part, annotations) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, annotations) for part in value]
    return value


def rendered(helm, chart, name, spec, annotations):
    helm_spec = spec["source"]["helm"]
    command = [helm, "template", helm_spec.get("releaseName", name), chart, "--namespace", spec["destination"]["namespace"], "--include-crds"]
    for file in helm_spec.get("valueFiles", []):
        command += ["--values", chart / file]
    done = subprocess.run([*command, "--values", "-"], input=yaml.safe_dump(filled(helm_spec["valuesObject"], annotations)), text=True,
                          capture_output=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


# What others rely on: (ApplicationSet, kind, namespace, name).
RELIED_ON = [
    ("prometheus", "Service", "monitoring", "prometheus"), ("prometheus", "ServiceAccount", "monitoring", "prometheus"),
    ("external-secrets", "ServiceAccount", "external-secrets", "external-secrets"), ("envoy-gateway", "Deployment", "gateway", "envoy-gateway"),
    ("argo-rollouts", "CustomResourceDefinition", None, "rollouts.argoproj.io"),
    ("envoy-gateway", "CustomResourceDefinition", None, "httproutes.gateway.networking.k8s.io"),
    ("external-secrets", "CustomResourceDefinition", None, "externalsecrets.external-secrets.io"),
    ("edge", "Gateway", "gateway", "edge"), ("edge", "ExternalSecret", "gateway", "edge-certificate"),
]


def check_objects(tree, name, objects, registry):
    rules, copied = tree.cache_rules(), tree.copied()
    project = tree.one("AppProject", "platform")["spec"]
    cluster_wide = {kind["kind"] for kind in project["clusterResourceWhitelist"]}
    for found in objects:
        if found["kind"] == "CustomResourceDefinition":
            continue
        texts = [text for text in (found.get("data") or {}).values() if found["kind"] == "ConfigMap"]
        for image in [*checks.images(found), *(image for text in texts for image in re.findall(r"image: (\S+)", text))]:
            if why := checks.wrong_image(image, registry, rules, copied):
                yield f"{name}: {found['kind']} {found['metadata']['name']}: {why}"
        if "namespace" not in found["metadata"] and found["kind"] not in cluster_wide:
            yield f"{name}: the project does not allow {found['kind']} {found['metadata']['name']}"


def findings(tree):
    helm, folder = shutil.which("helm", path=f"{tree.root / '.tools'}{os.pathsep}{os.environ['PATH']}"), os.environ.get("FAIRLEAD_CHARTS")
    if not helm or not folder:
        print("platform: left out, as there is no helm, or no charts of upstream in FAIRLEAD_CHARTS: what their charts make of our values")
        return
    annotations = {"registry": "registry.example", "gatewayIp": "10.17.8.10", "gatewaySubnet": "gateway", "tenant": "tenant",
                   "keyVault": "vault", "certificate": "origin", "externalSecretsClientId": "client"}
    for name in tree.sets:
        chart = tree.platform / "edge" if name == "edge" else pathlib.Path(folder) / name
        objects = rendered(helm, chart, name, tree.spec(name), annotations)
        yield from check_objects(tree, name, objects, annotations["registry"])
        made = {(name, o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects}
        yield from (f"{wanted[0]}: no {wanted[1]} {wanted[3]}" for wanted in RELIED_ON if wanted[0] == name and wanted not in made)
