"""What keeps data: each has the sizes, copies and times that the file says."""
from planner import differences, of_type


def check_account(environment, plan):
    declared, regions = environment["data"]["cosmos"], environment["regions"]
    primary = next(name for name, region in regions.items() if region["primary"])
    for address, resource in of_type(plan, "azurerm_cosmosdb_account"):
        values = resource["values"]
        order = [g["location"] for g in sorted(values["geo_location"], key=lambda g: g["failover_priority"])]
        several = declared["writes"] == "multi"
        yield from differences(address, [
            ("regions are", (order[:1], sorted(order)), ([primary], sorted(regions))),
            ("zone redundancy", {g["location"]: g["zone_redundant"] for g in values["geo_location"]},
             {name: len(region["zones"]) > 1 for name, region in regions.items()}),
            ("several writers", (values["multiple_write_locations_enabled"], values["automatic_failover_enabled"]), (several, not several)),
            ("consistency", values["consistency_policy"][0]["consistency_level"], declared["consistency"]),
            ("backup", [(b["type"], b["tier"]) for b in values["backup"]], [("Continuous", f"Continuous{environment['backup']['cosmosDays']}Days")])])


def check_containers(environment, plan):
    planned = {resource["index"]: resource["values"] for _, resource in of_type(plan, "azurerm_cosmosdb_sql_container")}
    if of_type(plan, "azurerm_cosmosdb_account"):
        yield from differences("containers", [("names", sorted(planned), sorted(environment["containers"]))])
    for key, values in planned.items():
        want = environment["containers"][key]
        auto = [s["max_throughput"] for s in values["autoscale_settings"]]
        yield from differences(f"container {key}", [
            ("name", (values["database_name"], values["name"]), (want["database"], want["name"])),
            ("partition key", values["partition_key_paths"], [want["partitionKey"]]),
            ("time to live", values["default_ttl"], want.get("ttlSeconds")),
            ("throughput", auto or values["throughput"], [want["requestUnits"]] if want["mode"] == "autoscale" else want["requestUnits"])])


def check_redis(environment, plan, root, region):
    declared = environment["data"].get("redis")
    if root == "region":
        names = [environment["regions"][region]["redis"]] if declared else []
        yield from differences("Redis", [("names", [r["values"]["name"] for _, r in of_type(plan, "azurerm_managed_redis")], names)])
    for address, resource in of_type(plan, "azurerm_managed_redis"):
        values = resource["values"]
        database = values["default_database"][0]
        yield from differences(address, [
            ("size", values["sku_name"], declared["sku"]), ("high availability", values["high_availability_enabled"], declared["highAvailability"]),
            ("clustering", database["clustering_policy"], "EnterpriseCluster"), ("protocol", database["client_protocol"], "Encrypted"),
            ("access by key", database["access_keys_authentication_enabled"], False)])


def check_queues(environment, plan, root, region):
    if root != "region":
        return
    declared = environment["data"]["queues"]["redundancy"]
    accounts = [(r["values"]["name"], r["values"]["account_replication_type"]) for _, r in of_type(plan, "azurerm_storage_account")]
    yield from differences("queues", [
        ("accounts", accounts, [(environment["regions"][region]["queueAccount"], declared)]),
        ("names", sorted(r["values"]["name"] for _, r in of_type(plan, "azurerm_storage_queue")), sorted(q["name"] for q in environment["queues"].values()))])


def check_registry(environment, plan):
    """Services that the registry trusts pass its door: Defender, which scans, and imports."""
    hubs = environment["hub"]["regions"]
    for address, resource in of_type(plan, "azurerm_container_registry"):
        values = resource["values"]
        yield from differences(address, [
            ("name", values["name"], environment["registry"]["name"]),
            ("who passes its door", values["network_rule_bypass_option"], "AzureServices"),
            ("zone redundancy", values["zone_redundancy_enabled"], bool(hubs[values["location"]]["zones"])),
            ("replicas", {g["location"]: g["zone_redundancy_enabled"] for g in values["georeplications"]},
             {name: bool(hubs[name]["zones"]) if name in hubs else True for name in environment["registry"]["replicas"]})])


def check_vaults(environment, plan):
    """A deleted Key Vault keeps its name and what is in it, but for a sandbox's, whose name must be free the day after."""
    for address, resource in of_type(plan, "azurerm_key_vault"):
        keeps = environment["environment"]["class"] != "sandbox"
        yield from differences(address, [("purge protection", resource["values"]["purge_protection_enabled"], keeps)])


def check_logs(environment, plan):
    for address, resource in of_type(plan, "azurerm_log_analytics_workspace"):
        yield from differences(address, [
            ("days that logs stay", resource["values"]["retention_in_days"], environment["observability"]["retentionDays"]),
            # The one thing that takes a key: https://github.com/Azure/Microsoft-Defender-for-Cloud/issues/1010
            ("access by Defender's sensor", resource["values"]["local_authentication_enabled"], True)])


def check_budget(environment, plan):
    for address, resource in of_type(plan, "azurerm_consumption_budget_subscription"):
        values, owner = resource["values"], environment["owner"]
        mails = {mail for notification in values["notification"] for mail in notification["contact_emails"]}
        yield from differences(address, [("amount", values["amount"], owner["budget"]["monthly"]), ("contacts", mails, set(owner["contacts"]))])


def check(environment, plan, root, region):
    for look in (check_account, check_containers, check_registry, check_vaults, check_logs, check_budget):
        yield from look(environment, plan)
    yield from check_redis(environment, plan, root, region)
    yield from check_queues(environment, plan, root, region)
