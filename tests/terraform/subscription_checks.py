"""What a foundation does for its whole subscription, against the plans of all environments that are in it: resource providers,
features, Defender, and the rules by which the registry fetches upstream's images. These checks read second plans."""
import re

from arm import KINDS
from endpoint_checks import records
from planner import differences, of_type, resources

# Registered in every subscription from its beginning.
BUILT_IN = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"}
# The plan of Defender for each type that has one; Arm is for the subscription itself.
DEFENDER = {
    "azurerm_container_registry": "Containers",
    "azurerm_cosmosdb_account": "CosmosDbs",
    "azurerm_key_vault": "KeyVaults",
    "azurerm_kubernetes_cluster": "Containers",
    "azurerm_storage_account": "StorageAccounts",
}
# Of the plans that have some: left out, Azure fills it in, and the next plan replaces Defender.
SUBPLANS = {"Arm": "PerSubscription", "KeyVaults": "PerKeyVault", "StorageAccounts": "DefenderForStorageV2"}
SCANS = {"Containers": ["AgentlessDiscoveryForKubernetes", "ContainerRegistriesVulnerabilityAssessments"]}
REGISTRATIONS = "azurerm_resource_provider_registration.this"
# What the release of Argo CD that infrastructure/bootstrap/argocd puts in runs, and what its runners are made of, under the
# registry's names. The add-ons' images are seen by tests/platform.
FETCHED = ("ecr/docker/library/redis", "ghcr/actions/actions-runner", "ghcr/dexidp/dex", "quay/argoproj/argocd")


def needed_providers(plans):
    for plan in plans:
        kinds = {resource["type"] for resource in resources(plan).values()} & KINDS.keys()
        yield from (KINDS[kind].split("/")[0] for kind in kinds)
        yield from (what.split("/providers/")[1].split("/")[0] for what, _ in records(plan))
        for _, resource in of_type(plan, "azurerm_kubernetes_cluster"):
            yield "Microsoft.Compute"
            if resource["values"]["azure_policy_enabled"]:
                yield "Microsoft.PolicyInsights"


def check_providers(foundation, plans):
    """Whatever the roots make, its provider is registered; and the feature by which nodes encrypt on their host."""
    registered = {r["values"]["name"]: {f["name"] for f in r["values"]["feature"] if f["registered"]}
                  for _, r in of_type(foundation, "azurerm_resource_provider_registration")}
    missing = set(needed_providers(plans)) - BUILT_IN - registered.keys()
    yield from (f"{provider} is not registered" for provider in sorted(missing))
    pools = [pool for plan in plans for _, r in of_type(plan, "azurerm_kubernetes_cluster") for pool in r["values"]["default_node_pool"]]
    if any(pool["host_encryption_enabled"] for pool in pools) and "EncryptionAtHost" not in registered.get("Microsoft.Compute", ()):
        yield "nodes encrypt on their host, but the feature EncryptionAtHost is not registered"


def check_defender(foundation, plans):
    want = {"Arm"} | {DEFENDER[resource["type"]] for plan in plans for resource in resources(plan).values() if resource["type"] in DEFENDER}
    have = {r["values"]["resource_type"]: r["values"] for _, r in of_type(foundation, "azurerm_security_center_subscription_pricing")}
    yield from differences("Defender", [("its plans", sorted(have), sorted(want))])
    for name, values in have.items():
        scans = sorted(extension["name"] for extension in values["extension"])
        yield from differences(f"Defender for {name}", [
            ("tier", (values["tier"], values["subplan"]), ("Standard", SUBPLANS.get(name))), ("what it does", scans, SCANS.get(name, []))])


def references(node):
    """Everything that a part of a plan's configuration refers to."""
    if isinstance(node, dict):
        yield from node.get("references", ())
        yield from node.get("depends_on", ())
        for key, value in node.items():
            if key not in ("references", "depends_on", "module"):
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def check_order(foundation):
    """Everything waits for the registrations: in an empty subscription, what does not would be refused."""
    module = foundation["configuration"]["root_module"]
    nodes = {r["address"]: set(references(r)) for r in module["resources"]}
    nodes |= {f"module.{name}": set(references(call)) for name, call in module["module_calls"].items() if name != "environment"}
    waits = {REGISTRATIONS}
    while True:
        more = {node for node, after in nodes.items() if node not in waits and any(
            re.match(rf"{re.escape(first)}(\W|$)", reference) for first in waits for reference in after)}
        if not more:
            break
        waits |= more
    late = {address for address in nodes if not address.startswith("azurerm_resource_provider_registration.")} - waits
    yield from (f"{address} does not wait for the registrations of resource providers" for address in sorted(late))


def check_cache(foundation):
    rules = {r["values"]["target_repo"] for _, r in of_type(foundation, "azurerm_container_registry_cache_rule")}
    if of_type(foundation, "azurerm_container_registry"):
        yield from (f"no cache rule fetches {image}" for image in FETCHED if image not in rules)


def check_all(rendered, plans):
    """`plans`: second plans by place, such as dev/region/westeurope."""
    for name, environment in rendered.items():
        foundation = plans.get(f"{name}/foundation")
        if foundation is None:
            continue
        inside = [plan for place, plan in plans.items() if place.split("/")[0] in environment["foundation"]["environments"]]
        for check in (check_providers(foundation, inside), check_defender(foundation, inside), check_order(foundation), check_cache(foundation)):
            yield from (f"{name}/foundation: {finding}" for finding in check)
