"""Private endpoints and the names by which they are found: what is closed has an endpoint in each network that needs it, which
writes its address into the zone of its kind, and that zone is linked to the network. These checks read second plans."""
from arm import Places, resource_id
from planner import differences, of_type

ZONES = {
    "Sql": "privatelink.documents.azure.com",
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "redisEnterprise": "privatelink.redis.azure.net",
    "registry": "privatelink.azurecr.io",
    "vault": "privatelink.vaultcore.azure.net",
}
LINK = (False, "NxDomainRedirect")  # Registers no machine; who asks for a name that is not ours goes on to the Internet.
# What answers by an endpoint only.
CLOSED = ("azurerm_container_registry", "azurerm_cosmosdb_account", "azurerm_key_vault", "azurerm_managed_redis", "azurerm_storage_account")


def hub_endpoints(environment, places):
    """(region, subnet, what it leads to, which of its services) of each endpoint."""
    hub = environment["hub"]
    for region in hub["regions"]:
        yield region, places.hub_subnet(region, "endpoints"), places.registry, "registry"
    home = places.hub_subnet(hub["location"], "endpoints")
    yield hub["location"], home, places.state, "blob"
    if "runners" in hub:
        yield hub["location"], home, resource_id(places.foundation, "azurerm_key_vault", hub["runners"]["keyVault"]), "vault"


def region_endpoints(environment, places, region):
    targets = [(places.in_world("azurerm_cosmosdb_account", "cosmosAccount"), "Sql"),
               (places.in_region(region, "azurerm_key_vault", "keyVault"), "vault"),
               (places.in_region(region, "azurerm_storage_account", "queueAccount"), "queue")]
    if "redis" in environment["data"]:
        targets.append((places.in_region(region, "azurerm_managed_redis", "redis"), "redisEnterprise"))
    if "edge" in environment:
        targets.append((places.in_world("azurerm_key_vault", "keyVault"), "vault"))
    for target, service in targets:
        yield region, places.subnet(region, "endpoints"), target, service


def endpoint_as_planned(values):
    connection = values["private_service_connection"][0]
    zones = [zone for group in values["private_dns_zone_group"] for zone in group.get("private_dns_zone_ids") or []]
    return (values.get("subnet_id"), connection.get("private_connection_resource_id"), connection["subresource_names"], zones,
            connection["is_manual_connection"])


def check_endpoints(environment, plan, root, region):
    places = Places(environment)
    want = [*hub_endpoints(environment, places)] if root == "hub" else [*region_endpoints(environment, places, region)] if root == "region" else []
    declared = [(subnet, target, [service], [places.zone(where, ZONES[service])], False) for where, subnet, target, service in want]
    planned = [endpoint_as_planned(r["values"]) for _, r in of_type(plan, "azurerm_private_endpoint")]
    yield from (f"an endpoint is missing: {endpoint}" for endpoint in declared if endpoint not in planned)
    yield from (f"an endpoint that nobody declared: {endpoint}" for endpoint in planned if endpoint not in declared)


def check_zones(environment, plan, root, region):
    """Every zone is there in each region of the hub, under its exact name, and linked to hub and spoke, where what it does not
    know is asked of the Internet: GitHub's storage may have private endpoints, too, which are not ours."""
    places, hubs, zones, links = Places(environment), environment["hub"]["regions"], [], []
    if root == "hub":
        zones = [places.zone(name, zone) for name in hubs for zone in ZONES.values()]
        links = [(places.zone(name, zone), places.hub_network(name), *LINK) for name in hubs for zone in ZONES.values()]
    if root == "region":
        network = places.in_region(region, "azurerm_virtual_network", "network")
        links = [(places.zone(region, zone), network, *LINK) for zone in ZONES.values()]
    keys = ("private_dns_zone_id", "virtual_network_id", "registration_enabled", "resolution_policy")
    have = [tuple(r["values"].get(key) for key in keys) for _, r in of_type(plan, "azurerm_private_dns_zone_virtual_network_link")]
    yield from differences("DNS", [("zones", sorted(r["values"]["id"] for _, r in of_type(plan, "azurerm_private_dns_zone")), sorted(zones)),
                                   ("links", sorted(have), sorted(links))])


def check(environment, plan, root, region):
    yield from check_endpoints(environment, plan, root, region)
    yield from check_zones(environment, plan, root, region)


def records(plan):
    """(what, DNS zone) of each private endpoint."""
    for _, resource in of_type(plan, "azurerm_private_endpoint"):
        _, what, _, zones, _ = endpoint_as_planned(resource["values"])
        yield from ((what, zone) for zone in zones)


def check_all(plans):
    """Over the plans of all environments: what is closed has an endpoint, and no two write one thing's name into one zone."""
    every = [record for plan in plans.values() for record in records(plan)]
    yield from (f"two private endpoints of {what} write into {zone}" for what, zone in sorted({r for r in every if every.count(r) > 1}))
    reached = {what for what, _ in every}
    for place, plan in plans.items():
        for address, resource in of_type(plan, *CLOSED):
            if resource["values"]["id"] not in reached:
                yield f"{place}: {address} is closed, and no private endpoint leads to it"
