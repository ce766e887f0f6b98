"""A plan leaves open what only Azure knows: ids and principals, and with them whom a grant is for and on what. So each root is
planned twice: the second time with a state that says that what others refer to is there, under the ids that Azure would give.
Nothing of it may be replaced then, and every reference is known."""
import json

import arm
from azure_stub import principal_id
from planner import PROVIDER_HOSTS, resources

# Those whose ids others refer to; all are in a resource group, or their id is made of their parent's.
REFERRED_TO = (
    "azurerm_container_registry", "azurerm_cosmosdb_account", "azurerm_firewall_policy", "azurerm_key_vault",
    "azurerm_kubernetes_cluster", "azurerm_log_analytics_workspace", "azurerm_managed_redis", "azurerm_nat_gateway",
    "azurerm_network_security_group", "azurerm_private_dns_zone", "azurerm_public_ip", "azurerm_route_table",
    "azurerm_storage_account", "azurerm_user_assigned_identity", "azurerm_virtual_network", "azurerm_web_application_firewall_policy",
)
PARENTS = {
    "azurerm_cdn_frontdoor_custom_domain": ("cdn_frontdoor_profile_id", "customDomains"),
    "azurerm_cdn_frontdoor_origin_group": ("cdn_frontdoor_profile_id", "originGroups"),
    "azurerm_cdn_frontdoor_route": ("cdn_frontdoor_endpoint_id", "routes"),
}


def made_id(kind, values, subscription):
    """The id that Azure would give, or None where nobody refers to it."""
    if kind == "azurerm_resource_group":
        return arm.group_id(subscription, values["name"])
    if kind in PARENTS:
        parent, step = PARENTS[kind]
        return f"{values[parent]}/{step}/{values['name']}"
    group = arm.group_id(subscription, values.get("resource_group_name"))
    if kind == "azurerm_subnet":
        return arm.resource_id(group, kind, values["virtual_network_name"], values["name"])
    return arm.resource_id(group, kind, values["name"]) if kind in REFERRED_TO else None


def answered(kind, values, subscription):
    """What Azure would have answered besides the id."""
    name = values["name"]
    if kind == "azurerm_user_assigned_identity":
        return {"principal_id": principal_id(name), "client_id": principal_id(f"client of {name}")}
    if kind == "azurerm_kubernetes_cluster":
        kubelet = f"id-{name}-kubelet"
        group = arm.group_id(subscription, values["resource_group_name"])
        return {"oidc_issuer_url": arm.issuer_of(name), "kubelet_identity": [{
            "client_id": principal_id(f"client of {kubelet}"), "object_id": principal_id(kubelet),
            "user_assigned_identity_id": arm.identity_id(group, kubelet)}]}
    return {}


def state_after(plan, subscription, tool):
    """The state of Terraform's that holds what others refer to."""
    blocks = {}
    for address, resource in resources(plan).items():
        kind, values = resource["type"], resource["values"]
        made = made_id(kind, values, subscription)
        if made is None:
            continue
        module = address.rpartition(f"{kind}.")[0].rstrip(".")
        block = blocks.setdefault((module, kind, resource["name"]), {
            "mode": "managed", "type": kind, "name": resource["name"], **({"module": module} if module else {}),
            "provider": f'provider["{PROVIDER_HOSTS[tool]}/hashicorp/azurerm"]', "instances": []})
        block["instances"].append({
            "schema_version": resource["schema_version"], **({"index_key": resource["index"]} if "index" in resource else {}),
            "attributes": {**values, "id": made, **answered(kind, values, subscription)}})
    return {"version": 4, "terraform_version": "1.12.0", "serial": 1, "lineage": "tests", "outputs": {}, "resources": list(blocks.values())}


def replaced(plan):
    return [change["address"] for change in plan["resource_changes"] if "delete" in change["change"]["actions"]]


def make(planner, first, root, subscription, **variables):
    state = planner.scratch / "state"
    state.write_text(json.dumps(state_after(first, subscription, planner.name)))
    return planner.plan(root, state=state, **variables)
