#!/usr/bin/env python3
"""Checks infrastructure/platform: the add-ons of a cluster, and that bootstrap, Terraform, the services and the engine agree with
them. What needs upstream's charts is left out where they are not at hand, and said."""
import pathlib
import shutil
import sys
import tempfile

try:
    import yaml
except ImportError:
    print("platform: left out, as this Python has no yaml: install python3-yaml")
    sys.exit(77)

import charts
import checks
import guide
import rendering
import scripts
from tree import Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
READ = ["infrastructure/apps", "infrastructure/bootstrap", "infrastructure/charts", "infrastructure/clusters", "infrastructure/platform",
        "infrastructure/rendered", "infrastructure/terraform/edge", "infrastructure/terraform/foundation",
        "infrastructure/terraform/modules/application-gateway", "engine/world/system", "tools"]

# Each check must be able to fail: (file, what stands there, what is put there).
BREAKAGES = [
    ("platform/argo-rollouts.yaml", "targetRevision: 2.41.0", "targetRevision: 2.*"),
    ("platform/argo-rollouts.yaml", "'{{ .metadata.annotations.registry }}'", "quay.io"),
    ("platform/argo-rollouts.yaml", "tag: v1.10.1", "tag: latest"),
    ("platform/argo-rollouts.yaml", "tag: v1.10.1", "tag: v1.9.0"),
    ("platform/argo-rollouts.yaml", "/plugins/]", "/bin/]"),
    ("platform/argo-rollouts.yaml", "name: argoproj-labs/gatewayAPI", "name: gatewayAPI"),
    ("platform/argo-rollouts.yaml", "retry: {limit: -1", "retry: {limit: 5"),
    ("platform/argo-rollouts.yaml", "preserveResourcesOnDeletion: true", "preserveResourcesOnDeletion: false"),
    ("platform/edge.yaml", "fairlead-dev/fairlead", "somebody/else"),
    ("platform/root.yaml", "fairlead-dev/fairlead", "somebody/else"),
    ("clusters/prod/root.yaml", "fairlead-dev/fairlead", "somebody/else"),
    ("platform/edge.yaml", "goTemplateOptions: [missingkey=error]", "goTemplateOptions: []"),
    ("platform/envoy-gateway.yaml", "gateway:v1.9.0", "gateway:v1.9.1"),
    ("platform/envoy-gateway.yaml", "namespace: gateway}", "namespace: envoy-gateway-system}"),
    ("platform/external-secrets.yaml", "name: external-secrets\n              annotations", "name: eso\n              annotations"),
    ("platform/edge/templates/certificate.yaml", "namespace: external-secrets}", "namespace: gateway}"),
    ("platform/edge/templates/certificate.yaml", "    name: edge-certificate\n    template", "    name: origin\n    template"),
    ("platform/edge/templates/gateway.yaml", "healthCheck: {path: /healthz}", "healthCheck: {path: /health}"),
    ("platform/edge/templates/gateway.yaml", "kind: Gateway\nmetadata:\n  name: edge", "kind: Gateway\nmetadata:\n  name: door"),
    ("platform/edge/templates/gateway.yaml", "metadata.name: shop", "metadata.name: gateway"),
    ("platform/edge/templates/gateway.yaml", "envoy:distroless-v1.39.0", "envoy:distroless-v1.38.0"),
    ("platform/images", "docker.io/envoyproxy/gateway:v1.9.0\n", ""),
    ("platform/namespaces.yaml", "enforce: restricted", "enforce: baseline"),
    ("platform/namespaces.yaml", "  name: default-deny\n  namespace: monitoring", "  name: default-deny\n  namespace: gateway"),
    ("platform/project.yaml", "    - ghcr.io/argoproj/argo-helm\n", ""),
    ("platform/project.yaml", "namespace: monitoring", "namespace: '*'"),
    ("platform/prometheus.yaml", "fullnameOverride: prometheus", "fullnameOverride: prometheus-server"),
    ("platform/prometheus.yaml", "target_label: rollouts_pod_template_hash", "target_label: hash"),
    ("platform/prometheus.yaml", "scrape_interval: 2s", "scrape_interval: 1m"),
    ("platform/root.yaml", "path: infrastructure/platform", "path: infrastructure/clusters/dev"),
    ("clusters/dev/root.yaml", "path: infrastructure/clusters/dev", "path: infrastructure/platform"),
    ("clusters/prod/namespaces.yaml", "enforce: restricted", "enforce: baseline"),
    ("terraform/foundation/locals.tf", '"quay.io/prometheus/prometheus"', '"docker.io/prom/prometheus"'),
    ("terraform/foundation/locals.tf", '"ecr/docker/library/redis"', '"ecr/docker/library/redis-of-a-name-that-nobody-may-give"'),
    ("terraform/foundation/locals.tf", '"quay/argoproj/argo-rollouts"', '"quay/argo-rollouts"'),
    ("rendered/dev/storefront/manifests.yaml", "- dev.shop.example", "- shop.example"),
    ("rendered/prod/storefront/manifests.yaml", "    - name: edge\n      namespace: gateway", "    - name: edge\n      namespace: shop"),
    ("rendered/dev/catalog/manifests.yaml", 'client-id: "0000', 'client-id: "-000'),
    ("rendered/dev/catalog/manifests.yaml", 'azure.workload.identity/use: "true"', 'azure.workload.identity/use: "yes"'),
    ("rendered/dev/catalog/manifests.yaml", "serviceAccountName: catalog", "serviceAccountName: default"),
    ("rendered/dev/catalog/manifests.yaml", "cidr: 10.17.9.0/24", "cidr: 10.17.0.0/16"),
    ("rendered/dev/catalog/manifests.yaml", "except: [10.0.0.0/8, ", "except: ["),
    ("rendered/dev/storefront/manifests.yaml", "matchLabels: {app: catalog}", "matchLabels: {app: orders}"),
    ("rendered/dev/environment.json", '"identity": "catalog"', '"identity": "storefront"'),
    ("rendered/dev/environment.json", '"catalog"\n      ],\n      "egress": []', '"catalog"\n      ],\n      "egress": ["api.example.com"]'),
    ("rendered/prod/environment.json", '"ghcr.io"', '"quay.io"'),
    ("rendered/dev/environment.json", '"gatewayIp": "10.17.8.10"', '"gatewayIp": "10.17.9.10"'),
]
SCRIPT_BREAKAGES = [
    ("bootstrap/argocd", '            "tenant":', '            "tenantId":'),
    ("bootstrap/argocd", '"fairlead.dev/platform": "true"', '"fairlead.dev/platform": "yes"'),
    ("bootstrap/argocd", "kubectl apply --server-side --field-manager=fairlead --filename=settings.yaml\n", ""),
    ("bootstrap/argocd", "kubectl apply --server-side --force-conflicts --filename=platform.yaml\n", ""),
    ("bootstrap/images", "already exists", "is there"),
]


def copy(folder):
    for part in READ:
        shutil.copytree(ROOT / part, folder / part, dirs_exist_ok=True)
    return folder


def broken(folder, breakages, find):
    """Those that nothing finds."""
    for file, there, instead in breakages:
        path = folder / "infrastructure" / file
        text = path.read_text()
        if there not in text:
            yield f"{file}: has no {there!r} to break"
            continue
        path.write_text(text.replace(there, instead, 1))
        try:
            found = next(iter(find()), None)
        except (KeyError, StopIteration, ValueError) as error:
            found = repr(error)
        if not found:
            yield f"nothing finds that {file} says {instead!r} instead of {there!r}"
        path.write_text(text)


def findings(folder):
    yield from checks.findings(Tree(ROOT))
    yield from scripts.findings(Tree(ROOT), folder / "stubs")
    yield from charts.findings(Tree(ROOT))
    yield from guide.findings(ROOT, folder / "guide")
    tree = copy(folder / "tree")
    yield from broken(tree, BREAKAGES, lambda: checks.findings(Tree(tree)))
    yield from broken(tree, SCRIPT_BREAKAGES, lambda: scripts.findings(Tree(tree), folder / "stubs"))
    yield from rendering.findings(ROOT, folder / "rendering")
    yield from scripts.check_identities(Tree(tree), folder / "stubs")
    yield from scripts.check_release(Tree(tree), folder / "stubs")


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = list(findings(pathlib.Path(folder)))
    for finding in found:
        print(f"platform: {finding}")
    print(f"platform: {len(found)} findings" if found else "platform: nothing to say")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
