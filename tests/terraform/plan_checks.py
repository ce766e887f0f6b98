"""What the plan of an environment must say: closed doors, the file's sizes, the file's grants, tags everywhere. A plan is
the JSON of `tofu show -json`; nothing here knows how it came about, but every id must be known in it (second_plan.py)."""
import re

import cluster_checks
import data_checks
import edge_checks
import endpoint_checks
import network_checks
from arm import KINDS, OF_NO_PROVIDER
from grant_checks import check_assignable, check_credentials, check_grants, check_roles
from planner import of_type, resources
from runner_checks import check_runners

# What may have a public address, and why.
PUBLIC_ADDRESSES = {
    r"module\.firewall\[.*\]\.azurerm_public_ip\.this": "the firewall's way out",
    r"module\.spoke\.azurerm_public_ip\.nat\[.*\]": "a sandbox's way out, where it has no firewall",
    r"module\.application_gateway\[.*\]\.azurerm_public_ip\.this": "Private Link works only beside a public frontend; nothing listens",
}
# What is open by attribute, and why.
OPEN = {
    "azurerm_log_analytics_workspace": "closed by an Azure Monitor Private Link Scope only, which comes with observability",
}
CLOSED = {
    "azurerm_storage_account": {"public_network_access_enabled": False, "shared_access_key_enabled": False,
                                "allow_nested_items_to_be_public": False, "local_user_enabled": False},
    "azurerm_cosmosdb_account": {"public_network_access_enabled": False, "local_authentication_enabled": False},
    "azurerm_key_vault": {"public_network_access_enabled": False, "rbac_authorization_enabled": True},
    "azurerm_container_registry": {"public_network_access_enabled": False, "admin_enabled": False,
                                   "anonymous_pull_enabled": False, "sku": "Premium"},
    "azurerm_managed_redis": {"public_network_access": "Disabled"},
    "azurerm_kubernetes_cluster": {"private_cluster_enabled": True, "private_cluster_public_fqdn_enabled": False,
                                   "local_account_disabled": True, "role_based_access_control_enabled": True,
                                   "oidc_issuer_enabled": True, "workload_identity_enabled": True,
                                   "azure_policy_enabled": True, "image_cleaner_enabled": True},
    "azurerm_subnet": {"default_outbound_access_enabled": False},
    "azurerm_container_app_environment": {"internal_load_balancer_enabled": True, "public_network_access": "Disabled"},
}


def check_tags(environment, plan):
    for address, resource in resources(plan).items():
        values = resource["values"]
        if "tags" in values and not environment["tags"].items() <= (values["tags"] or {}).items():
            yield f"{address} lacks the environment's tags"


def check_kinds(plan):
    """Only types that the checks know; and no address is a place in a list, which would move when the list grows."""
    for address, resource in resources(plan).items():
        if resource["type"] not in KINDS.keys() | OF_NO_PROVIDER:
            yield f"{address}: no check knows this type: say in arm.py what it is, and check it"
        numbers = [key for key in re.findall(r'\["?([^"\]]*)"?\]', address) if key.isdigit()]
        if numbers:
            yield f"{address}: {numbers[0]} is a place in a list: use a name as key"


def check_closed(plan):
    for address, resource in resources(plan).items():
        kind, values = resource["type"], resource["values"]
        for key, expected in CLOSED.get(kind, {}).items():
            if values.get(key) != expected:
                yield f"{address}: {key} is {values.get(key)}, not {expected}"
        for key, value in values.items():
            if "public_network_access" in key and value not in (False, "Disabled"):
                yield f"{address}: {key} is {value}"
            if key.startswith("internet_") and value == "Enabled" and kind not in OPEN:
                yield f"{address}: {key} is open"
    # Where bootstrap/door opens to one address, all others stay out.
    for address, resource in of_type(plan, "azurerm_key_vault", "azurerm_storage_account"):
        values = resource["values"]
        rules = [(rule["default_action"], rule["bypass"]) for rule in values.get("network_acls") or values.get("network_rules") or []]
        if rules not in ([("Deny", "None")], [("Deny", ["None"])]):
            yield f"{address}: once open, it lets in {rules}"
    for address, resource in of_type(plan, "azurerm_public_ip"):
        if not any(re.fullmatch(allowed, address) for allowed in PUBLIC_ADDRESSES):
            yield f"{address}: a public address that nobody explains"
        if len(resource["values"]["zones"] or []) == 2:
            yield f"{address}: Azure widens two zones to three, and every later plan would replace the address"


def check_plan(environment, plan, root, region=None):
    yield from check_tags(environment, plan)
    yield from check_kinds(plan)
    yield from check_closed(plan)
    yield from cluster_checks.check(environment, plan, root, region)
    yield from data_checks.check(environment, plan, root, region)
    yield from edge_checks.check(environment, plan, root)
    yield from endpoint_checks.check(environment, plan, root, region)
    yield from network_checks.check(environment, plan, root, region)
    yield from check_grants(environment, plan, root, region)
    yield from check_roles(environment, plan, root)
    yield from check_credentials(environment, plan, root, region)
    yield from check_runners(environment, plan, root)
    if root != "foundation":
        yield from check_assignable(plan)
