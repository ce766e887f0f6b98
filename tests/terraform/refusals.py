"""What Azure would refuse only while it is applied, or what would be wrong and still work, is refused in the plan. Each case
calls one module alone with one argument that is wrong."""
import json

from planner import PlanError

CLUSTER = {
    "source": "../modules/cluster", "name": "aks-x", "location": "northeurope", "resource_group_name": "rg", "node_resource_group_name": "rg-nodes",
    "tenant_id": "22222222-2222-2222-2222-222222222222", "admin_group_ids": ["44444444-4444-4444-4444-444444444441"],
    "kubernetes_version": "1.36", "tier": "Standard", "cost_analysis_enabled": True, "autoscaler": "aggressive",
    "upgrades": {"cluster": "patch", "nodes": "NodeImage"}, "maintenance": {"day": "Sunday", "start": "02:00", "hours": 4},
    "network": {"pods": "10.244.0.0/16", "services": "10.96.0.0/16", "dns": "10.96.0.10", "outbound_type": "userDefinedRouting",
                "api_server_subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a",
                "node_subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n",
                "network_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"},
    "system_pool": {"size": "Standard_D2ds_v5", "min": 1, "max": 2},
    "registry_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/abcde",
    "log_workspace_id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/abcd",
    "run_command_enabled": True, "tags": {},
}
POOLS = {
    "source": "../modules/node-pools", "zones": [], "tags": {},
    "cluster_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c",
    "subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n",
    "pools": {"spot": {"size": "Standard_D2ds_v5", "min": 0, "max": 2, "priority": "Spot"}},
}
COSMOS = {
    "source": "../modules/cosmos", "name": "cosmos-x", "location": "northeurope", "resource_group_name": "rg", "tags": {},
    "regions": [{"location": "northeurope", "zone_redundant": True}], "multiple_writes": False, "consistency": "Session",
    "backup_tier": "Continuous7Days", "grants": {},
    "containers": {"a/b": {"database": "a", "name": "b", "partition_key": "/id", "mode": "autoscale", "request_units": 1000}},
}
QUEUES = {
    "source": "../modules/queues", "name": "stxqueues", "location": "northeurope", "resource_group_name": "rg", "tags": {},
    "redundancy": "LRS", "endpoints": {}, "queues": {"a/b": {"name": "a-b"}}, "grants": {},
}
GATEWAY = {
    "source": "../modules/application-gateway", "name": "agw-x", "location": "northeurope", "resource_group_name": "rg", "tags": {}, "zones": [],
    "subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a",
    "private_link_subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/p",
    "private_ip": "10.1.10.10", "gateway_ip": "10.1.8.10", "host": "o.example",
    "certificate_secret_id": "https://kv-x.vault.azure.net/secrets/origin",
    "identity_id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
    "waf": {"mode": "prevention", "exclusions": [{"rule": "942100", "in": "argument", "name": "q", "reason": "search"}]},
}
FRONT_DOOR = {
    "source": "../modules/front-door", "name": "afd-x", "endpoint_name": "shop-x", "policy_name": "wafx", "resource_group_name": "rg", "tags": {},
    "waf": {"mode": "prevention", "limits": {"requestsPerMinute": 600}, "geo": {"allow": ["DE"], "block": []},
            "exclusions": [{"rule": "942100", "in": "argument", "name": "q", "reason": "search"},
                           {"rule": "942110", "in": "cookie", "name": "c", "reason": "signed"},
                           {"rule": "941100", "in": "header", "name": "h", "reason": "signed"}]},
}
RUNNERS = {
    "source": "../modules/runners", "name": "caj-x", "environment_name": "cae-x", "location": "northeurope", "resource_group_name": "rg", "tags": {},
    "subnet_id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/r",
    "identity_id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
    "zone_redundancy_enabled": False, "registry": "abcde.azurecr.io", "image": "abcde.azurecr.io/runner@sha256:" + "0" * 64, "max": 2,
    "app": {"id": 1, "installation": 2, "key_secret_id": "https://kv-x.vault.azure.net/secrets/key"},
    "github": {"organization": "o", "repository": "r", "label": "l", "group": 1},
}
SOUND = {"runners": RUNNERS, "front door": FRONT_DOOR, "cluster": CLUSTER, "pools": POOLS, "cosmos": COSMOS, "queues": QUEUES, "gateway": GATEWAY}
SPOT = POOLS["pools"]["spot"]
CONTAINER = COSMOS["containers"]["a/b"]

# Module, arguments that are wrong, and what the refusal says.
CASES = [
    (CLUSTER, {"tier": "Free"}, "Cost analysis needs the tier Standard or Premium"),
    (CLUSTER, {"network": {**CLUSTER["network"], "plugin": "kubenet"}}, "Cilium's data plane needs the network plugin azure"),
    (CLUSTER, {"system_pool": {**CLUSTER["system_pool"], "priority": "Spot"}}, "The system pool cannot be Spot"),
    (CLUSTER, {"kubernetes_version": "1.36.2"}, "must be a minor version such as 1.36"),
    (CLUSTER, {"admin_group_ids": []}, "without an admin group nobody could administer"),
    (CLUSTER, {"autoscaler": "lazy"}, "it may be aggressive or conservative"),
    (POOLS, {"pools": {"spot": {**SPOT, "max_surge": "33%"}}}, "A Spot pool takes no max_surge"),
    (POOLS, {"pools": {"spot": {**SPOT, "min": 3}}}, "min may not be more than its max"),
    (POOLS, {"pools": {"with-hyphen": SPOT}}, "at most 12 lower-case letters and digits"),
    (COSMOS, {"multiple_writes": True, "consistency": "Strong"}, "Strong consistency needs a single writing region"),
    (COSMOS, {"backup_tier": "Continuous14Days"}, "may be Continuous7Days or Continuous30Days"),
    (COSMOS, {"containers": {"a/b": {**CONTAINER, "request_units": 1500}}}, "Autoscale goes in steps of 1000"),
    (COSMOS, {"regions": []}, "At least one region"),
    (QUEUES, {"grants": {"x": {"principal_id": "p", "queue": "a/c", "access": "send"}}}, "names a queue that is not there"),
    (RUNNERS, {"image": "abcde.azurecr.io/runner:latest"}, "The image must end in its digest"),
    (RUNNERS, {"cpu": 4}, "cpu may be 0.5, 1, 2 or 3"),
    (RUNNERS, {"app": {**RUNNERS["app"], "key_secret_id": "https://kv-x.vault.azure.net/secrets/key/0123"}}, "secret without version"),
    (GATEWAY, {"certificate_secret_id": "https://kv-x.vault.azure.net/secrets/origin/0123"}, "without version"),
]

PROVIDER = {"azurerm": {"features": {}, "subscription_id": "00000000-0000-0000-0000-000000000001"}}


def words(text):
    """Terraform breaks its lines, with a bar before each."""
    return " ".join(text.replace("│", " ").split())


def plan_module(planner, tree, arguments):
    folder = tree / "infrastructure/terraform/refusal"
    folder.mkdir(exist_ok=True)
    (folder / "main.tf.json").write_text(json.dumps({
        "terraform": {"required_providers": {"azurerm": {"source": "hashicorp/azurerm", "version": "~> 5.0"}}},
        "provider": PROVIDER, "module": {"it": arguments}}))
    planner.ready.discard("refusal")
    planner.plan("refusal")


def refused(expected, attempt, place):
    try:
        attempt()
    except PlanError as error:
        if expected not in words(str(error)):
            yield f"{place} is refused, but not by \"{expected}\": {error}"
    else:
        yield f"{place} is not refused, which should say \"{expected}\""


def check(planner, tree):
    for name, arguments in SOUND.items():
        try:
            plan_module(planner, tree, arguments)
        except PlanError as error:
            yield f"the module {name} of the refusals is not sound by itself: {error}"
    for number, (module, wrong, expected) in enumerate(CASES, 1):
        yield from refused(expected, lambda: plan_module(planner, tree, {**module, **wrong}), f"refusal {number}")
    # The reader's file: applied where it belongs, and while it is fresh.
    yield from refused("sandbox does not apply the root foundation", lambda: planner.plan("foundation", environment="sandbox"),
                       "the foundation of a sandbox")
    yield from refused("never a range", lambda: planner.plan("foundation", environment="dev", open_to='["203.0.113.0/24"]'),
                       "a door that is open to a range")
    source = tree / "infrastructure/apps/catalog/needs.yaml"
    text = source.read_text()
    source.write_text(text + "# changed\n")
    yield from refused("is stale: infrastructure/apps/catalog/needs.yaml changed", lambda: planner.plan("global", environment="dev"),
                       "a stale environment.json")
    source.write_text(text)
