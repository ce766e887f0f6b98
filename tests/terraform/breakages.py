"""Breaks a real plan in one place after the other: the check that is meant for it must say so, or it checks nothing."""
import copy

import plan_checks
from planner import resources


def find(plan, kind):
    return next(r for r in resources(plan).values() if r["type"] == kind)["values"]


def drop(plan, kind):
    """Takes the resources of a kind out of the plan."""
    def walk(module):
        module["resources"] = [r for r in module.get("resources", []) if r["type"] != kind]
        for child in module.get("child_modules", []):
            walk(child)
    walk(plan["planned_values"]["root_module"])


def add(plan, address, kind, values):
    plan["planned_values"]["root_module"]["resources"].append(
        {"address": address, "mode": "managed", "type": kind, "values": values})


def setting(kind, *path):
    """A change of one value below the first resource of a kind; the last of `path` is the new value."""
    def change(plan):
        values = find(plan, kind)
        for step in path[:-2]:
            values = values[step]
        values[path[-2]] = path[-1]
    return change


def nodes_rules(change):
    """A change of the rules of the nodes' network security group."""
    return lambda plan: change(next(
        r for r in resources(plan).values()
        if r["type"] == "azurerm_network_security_group" and r["index"] == "nodes")["values"]["security_rule"])


def runners_rules(change):
    """A change of the rules of the runners' network security group."""
    return lambda plan: change(next(
        r for r in resources(plan).values()
        if r["type"] == "azurerm_network_security_group" and r["name"] == "runners")["values"]["security_rule"])


def giving_roles(key, value):
    """A change of the first assignment that lets somebody give roles."""
    def change(plan):
        next(r["values"] for r in resources(plan).values()
             if r["values"].get("role_definition_name") == "Role Based Access Control Administrator")[key] = value
    return change


# What is broken, in which root, how, and what the finding must contain.
BREAKAGES = [
    ("region", setting("azurerm_virtual_network", "tags", {}), "lacks the environment's tags"),
    ("region", setting("azurerm_key_vault", "public_network_access_enabled", True), "public_network_access_enabled is True"),
    ("region", setting("azurerm_storage_account", "shared_access_key_enabled", True), "shared_access_key_enabled is True"),
    ("region", setting("azurerm_managed_redis", "public_network_access", "Enabled"), "public_network_access is Enabled"),
    ("region", setting("azurerm_managed_redis", "default_database", 0, "clustering_policy", "OSSCluster"), "OSSCluster"),
    ("region", setting("azurerm_kubernetes_cluster", "local_account_disabled", False), "local_account_disabled is False"),
    ("region", setting("azurerm_subnet", "default_outbound_access_enabled", True), "default_outbound_access_enabled is True"),
    ("region", lambda p: add(p, "azurerm_public_ip.x", "azurerm_public_ip", {}), "a public address that nobody explains"),
    ("region", setting("azurerm_network_security_group", "security_rule", 0, "source_address_prefix", "*"), "lets the Internet in"),
    ("region", setting("azurerm_application_gateway", "http_listener", 0, "frontend_ip_configuration_name", "public-unused"), "listens on the public"),
    ("region", setting("azurerm_application_gateway", "frontend_ip_configuration", 1, "private_link_configuration_name", None), "Private Link leads to"),
    ("region", setting("azurerm_application_gateway", "backend_address_pool", 0, "ip_addresses", ["10.0.0.1"]), "declared address"),
    ("region", setting("azurerm_web_application_firewall_policy", "policy_settings", 0, "mode", "Detection"), "mode is Detection"),
    ("region", setting("azurerm_kubernetes_cluster", "kubernetes_version", "1.35"), "version is 1.35"),
    ("region", setting("azurerm_kubernetes_cluster", "cost_analysis_enabled", False), "cost analysis is False"),
    ("region", setting("azurerm_kubernetes_cluster", "auto_scaler_profile", 0, "scale_down_utilization_threshold", "0.5"), "autoscaler is 0.5"),
    ("region", setting("azurerm_kubernetes_cluster", "maintenance_window_auto_upgrade", 0, "day_of_week", "Monday"), "window is"),
    ("region", setting("azurerm_kubernetes_cluster", "microsoft_defender", []), "Defender is 0"),
    ("region", setting("azurerm_kubernetes_cluster", "azure_active_directory_role_based_access_control", 0, "azure_rbac_enabled", False), "Azure RBAC is False"),
    ("region", setting("azurerm_federated_identity_credential", "subject", "system:serviceaccount:default:default"), "is for system:serviceaccount:default:default"),
    ("region", lambda p: drop(p, "azurerm_federated_identity_credential"), "nobody can become this identity"),
    ("region", lambda p: add(p, "azurerm_federated_identity_credential.x", "azurerm_federated_identity_credential", {}), "a credential that nobody declared"),
    ("foundation", setting("azurerm_federated_identity_credential", "issuer", "https://issuer.example"), "of https://issuer.example"),
    ("region", setting("azurerm_kubernetes_cluster", "network_profile", 0, "outbound_type", "loadBalancer"), "egress is loadBalancer"),
    ("region", setting("azurerm_kubernetes_cluster_node_pool", "max_count", 99), "pool"),
    ("region", setting("azurerm_kubernetes_cluster_node_pool", "zones", ["3"]), "pool"),
    ("region", setting("azurerm_kubernetes_cluster", "default_node_pool", 0, "vm_size", "Standard_B1s"), "pool system"),
    ("region", lambda p: drop(p, "azurerm_kubernetes_cluster_node_pool"), "pool spot is None"),
    ("region", setting("azurerm_subnet", "address_prefixes", ["10.17.8.0/24"]), "overlaps"),
    ("region", setting("azurerm_subnet", "address_prefixes", ["10.99.0.0/24"]), "is outside of"),
    ("region", setting("azurerm_subnet", "delegation", []), "delegated to []"),
    ("region", lambda p: drop(p, "azurerm_role_assignment"), "this grant is missing"),
    ("region", lambda p: add(p, "azurerm_role_assignment.x", "azurerm_role_assignment", {}), "a grant that nobody declared"),
    ("region", setting("azurerm_role_assignment", "role_definition_name", "Owner"), "the role is Owner"),
    ("region", setting("azurerm_role_assignment", "principal_id", "somebody"), "for somebody"),
    ("region", lambda p: drop(p, "azurerm_subnet_route_table_association"), "its nodes leave by []"),
    ("region", nodes_rules(lambda rules: rules.clear()), "lets other networks in"),
    ("region", nodes_rules(lambda rules: [rule.update(source_address_prefix="10.0.0.0/8") for rule in rules]), "lets in ['10.0.0.0/8']"),
    ("region", setting("azurerm_route_table", "route", 0, "next_hop_in_ip_address", "10.0.0.9"), "the route is"),
    ("global", setting("azurerm_consumption_budget_subscription", "amount", 1), ": 1 for"),
    ("global", setting("azurerm_cosmosdb_account", "local_authentication_enabled", True), "local_authentication_enabled is True"),
    ("global", setting("azurerm_cosmosdb_account", "geo_location", []), "regions are"),
    ("global", setting("azurerm_cosmosdb_account", "backup", 0, "tier", "Continuous30Days"), "backup is"),
    ("global", setting("azurerm_cosmosdb_sql_container", "partition_key_paths", ["/id"]), "not ("),
    ("global", setting("azurerm_cdn_frontdoor_firewall_policy", "mode", "Detection"), "mode is Detection"),
    ("global", setting("azurerm_cdn_frontdoor_firewall_policy", "custom_rule", 0, "rate_limit_threshold", 5), "the rate limit is [5]"),
    ("hub", setting("azurerm_container_app_environment", "internal_load_balancer_enabled", False), "internal_load_balancer_enabled is False"),
    ("hub", setting("azurerm_container_app_environment", "public_network_access", "Enabled"), "public_network_access is Enabled"),
    ("hub", lambda p: drop(p, "azurerm_container_app_job"), "jobs are []"),
    ("hub", lambda p: drop(p, "terraform_data"), "nothing keeps their containers"),
    ("hub", setting("azurerm_container_app_job", "template", 0, "container", 0, "image", "runner:latest"), "images"),
    ("hub", setting("azurerm_container_app_job", "template", 0, "container", 0, "env", [{"name": "KEY", "secret_name": "app-key"}]), "who has a secret"),
    ("hub", setting("azurerm_container_app_job", "event_trigger_config", 0, "scale", 0, "max_executions", 99), "executions"),
    ("hub", setting("azurerm_container_app_job", "secret", 0, "value", "a key"), "secrets"),
    ("hub", setting("azurerm_container_app_job", "registry", 0, "identity", "somebody"), "who pulls and reads"),
    ("hub", lambda p: drop(p, "azurerm_subnet_route_table_association"), "associations"),
    ("hub", setting("azurerm_route_table", "route", 0, "next_hop_in_ip_address", "10.0.0.9"), "way out"),
    ("hub", runners_rules(lambda rules: rules.clear()), "keeps out"),
    ("hub", runners_rules(lambda rules: [rule.update(source_address_prefix="10.0.0.0/8") for rule in rules]), "lets in"),
    ("foundation", setting("azurerm_role_assignment", "role_definition_name", "Owner"), ": Owner"),
    ("foundation", giving_roles("condition", None), "may give any role"),
    ("foundation", giving_roles("condition", "roleAssignments/write roleAssignments/delete 8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), "a role that gives roles"),
    ("foundation", lambda p: drop(p, "azurerm_role_assignment"), "this grant is missing"),
    ("foundation", setting("azurerm_container_registry", "admin_enabled", True), "admin_enabled is True"),
    ("foundation", setting("azurerm_storage_account", "public_network_access_enabled", True), "public_network_access_enabled is True"),
]


def check(planner, rendered, name="dev"):
    environment = rendered[name]
    region = next(iter(environment["regions"]))
    plans = {root: planner.plan(root, environment=name, **({"region": region} if root == "region" else {}))
             for root in {root for root, _, _ in BREAKAGES}}
    for number, (root, change, expected) in enumerate(BREAKAGES, 1):
        plan = copy.deepcopy(plans[root])
        try:
            change(plan)
            found = list(plan_checks.check_plan(environment, plan, root, region if root == "region" else None))
        except StopIteration:
            found = ["there is nothing to break"]
        if not any(expected in finding for finding in found):
            yield f"breakage {number} of {root}, which should say \"{expected}\", gives {found}"
