"""What the plan of an environment must say: closed doors, the file's sizes, the file's grants, tags everywhere. A plan is
the JSON of `tofu show -json`; nothing here knows how it came about."""
import ipaddress
import re

from grant_checks import check_credentials, check_grants, check_limited
from planner import resources
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
AUTOSCALER = {"aggressive": "0.65", "conservative": "0.4"}  # Utilisation below which a node goes.


def check_tags(environment, plan):
    for address, resource in resources(plan).items():
        values = resource["values"]
        if "tags" in values and not environment["tags"].items() <= (values["tags"] or {}).items():
            yield f"{address} lacks the environment's tags"


def check_closed(environment, plan):
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
        if kind == "azurerm_public_ip" and not any(re.fullmatch(allowed, address) for allowed in PUBLIC_ADDRESSES):
            yield f"{address}: a public address that nobody explains"
        if kind == "azurerm_network_security_group":
            for rule in values["security_rule"]:
                if rule["access"] == "Allow" and rule["direction"] == "Inbound" and rule["source_address_prefix"] in ("*", "Internet", "0.0.0.0/0"):
                    yield f"{address}: {rule['name']} lets the Internet in"
        if kind == "azurerm_managed_redis":
            database = values["default_database"][0]
            if database["clustering_policy"] != "EnterpriseCluster" or database["access_keys_authentication_enabled"]:
                yield f"{address}: the database is {database}"


def check_rules(environment, plan):
    """Nodes take what their own network and the pods of an overlay send, and nothing of other networks."""
    for address, resource in resources(plan).items():
        if resource["type"] == "azurerm_network_security_group" and resource.get("index") == "nodes":
            rules = resource["values"]["security_rule"]
            allowed = {rule["source_address_prefix"] for rule in rules if rule["access"] == "Allow"}
            own = {region["cidr"] for region in environment["regions"].values()}
            if not (environment["network"]["pods"] in allowed and len(allowed & own) == 1 and len(allowed) == 2):
                yield f"{address}: lets in {sorted(allowed)}"
            if not any(rule["access"] == "Deny" and rule["source_address_prefix"] == "VirtualNetwork" for rule in rules):
                yield f"{address}: lets other networks in"


def check_gateways(environment, plan):
    """The public frontend that Private Link needs has no listener, and the private one is what Private Link leads to."""
    for address, resource in resources(plan).items():
        if resource["type"] != "azurerm_application_gateway":
            continue
        values = resource["values"]
        # Which frontend got the address is unknown before it exists: it is the one without a private address.
        public = {f["name"] for f in values["frontend_ip_configuration"] if not f.get("private_ip_address")}
        listening = {listener["frontend_ip_configuration_name"] for listener in values["http_listener"]}
        linked = {f["name"] for f in values["frontend_ip_configuration"] if f.get("private_link_configuration_name")}
        if len(public) != 1 or public & listening:
            yield f"{address}: something listens on the public frontend {public}"
        if linked != listening or linked != {"Gateway"}:
            yield f"{address}: Private Link leads to {linked}, the listeners are on {listening}"
        if values["backend_address_pool"][0]["ip_addresses"] != [environment["regions"][values["location"]]["gatewayIp"]]:
            yield f"{address}: does not lead to the declared address of the cluster's Gateway"


def check_waf(environment, plan):
    for address, resource in resources(plan).items():
        values = resource["values"]
        if resource["type"] == "azurerm_web_application_firewall_policy":
            mode = values["policy_settings"][0]["mode"]
        elif resource["type"] == "azurerm_cdn_frontdoor_firewall_policy":
            mode = values["mode"]
            limit = [rule["rate_limit_threshold"] for rule in values["custom_rule"] if rule["type"] == "RateLimitRule"]
            if limit != [environment["edge"]["waf"]["limits"]["requestsPerMinute"]]:
                yield f"{address}: the rate limit is {limit}"
        else:
            continue
        if mode.lower() != environment["edge"]["waf"]["mode"]:
            yield f"{address}: mode is {mode}"


def pool_as_planned(values):
    surge = [settings["max_surge"] for settings in values.get("upgrade_settings") or []]
    return {"size": values["vm_size"], "min": values["min_count"], "max": values["max_count"],
            "priority": values.get("priority") or "Regular", "zones": sorted(values["zones"] or []), "surge": surge,
            "os": values["os_sku"]}


def pool_as_declared(pool, zones):
    spot = pool["priority"] == "Spot"
    return {"size": pool["size"], "min": pool["min"], "max": pool["max"], "priority": pool["priority"],
            "zones": sorted(map(str, zones)), "surge": [] if spot else [pool.get("maxSurge", "33%")], "os": "AzureLinux3"}


def check_cluster(environment, plan):
    """Cluster and pools are what the environment file says."""
    declared, planned, want = environment["cluster"], {}, {}
    for address, resource in resources(plan).items():
        values = resource["values"]
        if resource["type"] == "azurerm_kubernetes_cluster_node_pool":
            planned[values["name"]] = pool_as_planned(values)
            taints, labels = values.get("node_taints") or [], values.get("node_labels") or {}
            if values["priority"] == "Spot" and (not any("spot:NoSchedule" in t for t in taints) or not labels):
                yield f"{address}: a Spot pool without Azure's label and taint"
        if resource["type"] != "azurerm_kubernetes_cluster":
            continue
        zones = environment["regions"][values["location"]]["zones"]
        planned["system"] = pool_as_planned(values["default_node_pool"][0])
        network, window = values["network_profile"][0], values["maintenance_window_auto_upgrade"][0]
        outbound = "userDefinedRouting" if environment["hub"]["egressTier"] == "firewall" else "userAssignedNATGateway"
        facts = {
            "version": (values["kubernetes_version"], declared["version"]),
            "tier": (values["sku_tier"], declared["tier"]),
            "cost analysis": (values["cost_analysis_enabled"], declared["tier"] != "Free"),
            "autoscaler": (values["auto_scaler_profile"][0]["scale_down_utilization_threshold"], AUTOSCALER[declared["autoscaler"]]),
            "upgrades": (values["automatic_upgrade_channel"], declared["upgrades"]["cluster"]),
            "node upgrades": (values["node_os_upgrade_channel"], declared["upgrades"]["nodes"]),
            "window": ((window["day_of_week"], window["start_time"], window["duration"]),
                       (declared["maintenance"]["day"], declared["maintenance"]["start"], declared["maintenance"]["hours"])),
            "network": ((network["network_plugin"], network["network_plugin_mode"], network["network_data_plane"]),
                        ("azure", "overlay", "cilium")),
            "ranges": ((network["pod_cidr"], network["service_cidr"]), (environment["network"]["pods"], environment["network"]["services"])),
            "egress": (network["outbound_type"], outbound),
            "API server": (values["api_server_access_profile"][0]["virtual_network_integration_enabled"], True),
            "Azure RBAC": (values["azure_active_directory_role_based_access_control"][0]["azure_rbac_enabled"], True),
            "Defender": (len(values["microsoft_defender"]), 1),
            "KEDA": (values["workload_autoscaler_profile"][0]["keda_enabled"], True),
            "node provisioning": (values["node_provisioning_profile"][0]["mode"], "Manual"),
            "admins": (values["azure_active_directory_role_based_access_control"][0]["admin_group_object_ids"], environment["azure"]["groups"]["admins"]),
        }
        yield from (f"{address}: {name} is {have}, not {want}" for name, (have, want) in facts.items() if have != want)
        want = {name: pool_as_declared(pool, zones) for name, pool in environment["nodePools"].items()}
    yield from (f"pool {name} is {planned.get(name)}, not {want.get(name)}"
                for name in sorted(planned.keys() | want.keys()) if planned.get(name) != want.get(name))


def check_networks(environment, plan):
    """No two subnets of a network overlap, each lies within its network, and the API server's is delegated."""
    found = resources(plan)
    networks = {r["values"]["name"]: ipaddress.ip_network(r["values"]["address_space"][0])
                for r in found.values() if r["type"] == "azurerm_virtual_network"}
    seen = []
    for address, resource in found.items():
        if resource["type"] != "azurerm_subnet":
            continue
        values = resource["values"]
        block = ipaddress.ip_network(values["address_prefixes"][0])
        network = values.get("virtual_network_name")
        if network in networks and not block.subnet_of(networks[network]):
            yield f"{address}: {block} is outside of {networks[network]}"
        for other, place in seen:
            if block.overlaps(other):
                yield f"{address}: {block} overlaps {place}"
        seen.append((block, address))
        delegated = [d["service_delegation"][0]["name"] for d in values["delegation"]]
        if values["name"] == "apiServer" and delegated != ["Microsoft.ContainerService/managedClusters"]:
            yield f"{address}: delegated to {delegated}"


def check_egress(environment, plan):
    """Nodes leave by the firewall or by a NAT gateway, as the file says, and by nothing else."""
    found = resources(plan)
    for address, resource in found.items():
        if resource["type"] != "azurerm_kubernetes_cluster":
            continue
        ways = {kind for kind in ("azurerm_subnet_route_table_association", "azurerm_subnet_nat_gateway_association")
                for r in found.values() if r["type"] == kind and r["index"] == "nodes"}
        firewall = environment["hub"]["egressTier"] == "firewall"
        if ways != {"azurerm_subnet_route_table_association" if firewall else "azurerm_subnet_nat_gateway_association"}:
            yield f"{address}: its nodes leave by {sorted(ways)}"
        hub = environment["hub"]["regions"][resource["values"]["location"]]
        for route in (r["values"]["route"][0] for r in found.values() if r["type"] == "azurerm_route_table"):
            if (route["address_prefix"], route["next_hop_in_ip_address"]) != ("0.0.0.0/0", hub["firewallIp"]):
                yield f"{address}: the route is {route}"


def check_budget(environment, plan):
    for address, resource in resources(plan).items():
        if resource["type"] != "azurerm_consumption_budget_subscription":
            continue
        values, owner = resource["values"], environment["owner"]
        mails = {mail for notification in values["notification"] for mail in notification["contact_emails"]}
        if values["amount"] != owner["budget"]["monthly"] or mails != set(owner["contacts"]):
            yield f"{address}: {values['amount']} for {sorted(mails)}"


def check_cosmos(environment, plan):
    for address, resource in resources(plan).items():
        values = resource["values"]
        if resource["type"] == "azurerm_cosmosdb_account":
            declared = environment["data"]["cosmos"]
            order = [g["location"] for g in sorted(values["geo_location"], key=lambda g: g["failover_priority"])]
            redundant = {g["location"]: g["zone_redundant"] for g in values["geo_location"]}
            regions = environment["regions"]
            primary = next(name for name, region in regions.items() if region["primary"])
            if order[:1] != [primary] or set(order) != set(regions):
                yield f"{address}: regions are {order}"
            if redundant != {name: len(region["zones"]) > 1 for name, region in regions.items()}:
                yield f"{address}: zone redundancy is {redundant}"
            if values["multiple_write_locations_enabled"] != (declared["writes"] == "multi"):
                yield f"{address}: writes"
            if values["backup"][0]["tier"] != f"Continuous{environment['backup']['cosmosDays']}Days":
                yield f"{address}: backup is {values['backup']}"
        if resource["type"] == "azurerm_cosmosdb_sql_container":
            want = environment["containers"][resource["index"]]
            auto = [s["max_throughput"] for s in values["autoscale_settings"]]
            have = (values["name"], values["partition_key_paths"], auto or values["throughput"])
            expected = (want["name"], [want["partitionKey"]], [want["requestUnits"]] if want["mode"] == "autoscale" else want["requestUnits"])
            if have != expected:
                yield f"{address}: {have}, not {expected}"


def check_plan(environment, plan, root, region=None):
    for check in (check_tags, check_closed, check_rules, check_gateways, check_waf, check_cluster, check_networks, check_egress, check_budget,
                  check_cosmos, check_limited):
        yield from check(environment, plan)
    yield from check_grants(environment, plan, root, region)
    yield from check_credentials(environment, plan, root)
    yield from check_runners(environment, plan, root)
