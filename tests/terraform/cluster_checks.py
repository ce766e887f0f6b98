"""Cluster and pools are what the environment file says. These checks read second plans."""
import pathlib

from arm import Places
from planner import differences, of_type

AUTOSCALER = {"aggressive": "0.65", "conservative": "0.4"}  # Utilisation below which a node goes.
SPOT = "kubernetes.azure.com/scalesetpriority"
BOOTSTRAP = pathlib.Path(__file__).resolve().parents[2] / "infrastructure/bootstrap/argocd"


def invoked():
    """Whether infrastructure/bootstrap gets in by a command that Azure runs."""
    return "az aks command invoke" in BOOTSTRAP.read_text()


def pool_as_planned(values):
    spot = values.get("priority") == "Spot"
    return {"size": values["vm_size"], "version": values.get("orchestrator_version"), "min": values["min_count"], "max": values["max_count"],
            "disk": values.get("os_disk_size_gb") or None, "priority": values.get("priority") or "Regular", "zones": sorted(values["zones"] or []),
            "surge": [settings["max_surge"] for settings in values.get("upgrade_settings") or []],
            "os": values["os_sku"], "subnet": values.get("vnet_subnet_id"), "encrypted": values["host_encryption_enabled"],
            "public": values["node_public_ip_enabled"], "labels": values.get("node_labels") or {}, "taints": values.get("node_taints") or [],
            "spot": (values["spot_max_price"], values["eviction_policy"]) if spot else None}


def pool_as_declared(pool, version, zones, subnet):
    spot = pool["priority"] == "Spot"  # Azure gives its nodes a label and a taint.
    return {"size": pool["size"], "version": version, "min": pool["min"], "max": pool["max"], "disk": pool.get("diskGb"),
            "priority": pool["priority"], "zones": sorted(map(str, zones)), "surge": [] if spot else [pool.get("maxSurge", "33%")],
            "os": "AzureLinux3", "subnet": subnet, "encrypted": True,
            "public": False, "labels": {**pool["labels"], **({SPOT: "spot"} if spot else {})},
            "taints": [*pool["taints"], *([f"{SPOT}=spot:NoSchedule"] if spot else [])],
            "spot": (-1, "Delete") if spot else None}  # -1: up to the price of a regular node.


def check_pools(environment, plan, region):
    planned = {}
    for _, resource in of_type(plan, "azurerm_kubernetes_cluster_node_pool"):
        planned[resource["values"]["name"]] = pool_as_planned(resource["values"])
    for _, resource in of_type(plan, "azurerm_kubernetes_cluster"):
        planned["system"] = pool_as_planned(resource["values"]["default_node_pool"][0])
    zones, subnet = environment["regions"][region]["zones"], Places(environment).subnet(region, "nodes")
    want = {name: pool_as_declared(pool, environment["cluster"]["version"], zones, subnet) for name, pool in environment["nodePools"].items()}
    yield from (f"pool {name} is {planned.get(name)}, not {want.get(name)}"
                for name in sorted(planned.keys() | want.keys()) if planned.get(name) != want.get(name))


def window_facts(values, declared):
    for name, key in (("window", "maintenance_window_auto_upgrade"), ("node window", "maintenance_window_node_os")):
        windows = [(w["frequency"], w["interval"], w["day_of_week"], w["start_time"], w["duration"]) for w in values[key]]
        yield name, windows, [("Weekly", 1, declared["day"], declared["start"], declared["hours"])]


def access_facts(values, environment, region):
    """Who gets in, and how."""
    entra = values["azure_active_directory_role_based_access_control"][0]
    api_server = values["api_server_access_profile"][0]
    yield "API server", api_server["virtual_network_integration_enabled"], True
    yield "the API server's subnet", api_server.get("subnet_id"), Places(environment).subnet(region, "apiServer")
    yield "run command", values["run_command_enabled"], invoked()
    yield "Azure RBAC", entra["azure_rbac_enabled"], True
    yield "admins", entra["admin_group_object_ids"], environment["azure"]["groups"]["admins"]


def cluster_facts(values, environment):
    declared, network = environment["cluster"], values["network_profile"][0]
    outbound = "userDefinedRouting" if environment["hub"]["egressTier"] == "firewall" else "userAssignedNATGateway"
    yield "version", values["kubernetes_version"], declared["version"]
    yield "tier", values["sku_tier"], declared["tier"]
    yield "cost analysis", values["cost_analysis_enabled"], declared["tier"] != "Free"
    yield "autoscaler", values["auto_scaler_profile"][0]["scale_down_utilization_threshold"], AUTOSCALER[declared["autoscaler"]]
    yield "upgrades", values["automatic_upgrade_channel"], declared["upgrades"]["cluster"]
    yield "node upgrades", values["node_os_upgrade_channel"], declared["upgrades"]["nodes"]
    yield "network", (network["network_plugin"], network["network_plugin_mode"], network["network_data_plane"]), ("azure", "overlay", "cilium")
    yield "ranges", (network["pod_cidr"], network["service_cidr"]), (environment["network"]["pods"], environment["network"]["services"])
    yield "egress", network["outbound_type"], outbound
    yield "Defender", len(values["microsoft_defender"]), 1
    yield "KEDA", values["workload_autoscaler_profile"][0]["keda_enabled"], True
    yield "node provisioning", values["node_provisioning_profile"][0]["mode"], "Manual"


def check(environment, plan, root, region):
    if root != "region":
        return
    for address, resource in of_type(plan, "azurerm_kubernetes_cluster"):
        values = resource["values"]
        yield from differences(address, [*cluster_facts(values, environment), *access_facts(values, environment, region),
                                         *window_facts(values, environment["cluster"]["maintenance"])])
    yield from check_pools(environment, plan, region)
