"""Networks: which addresses, what may come in, and how what is inside leaves. These checks read second plans."""
import ipaddress

from arm import Places, resource_id
from planner import differences, of_type

ANY = "0-65535"
DENY_OTHERS = (4000, "Deny", "*", "VirtualNetwork", (ANY,))


def check_networks(environment, plan):
    """No two subnets of a network overlap, each lies within its network, and the API server's is delegated."""
    networks = {r["values"]["name"]: ipaddress.ip_network(r["values"]["address_space"][0]) for _, r in of_type(plan, "azurerm_virtual_network")}
    seen = []
    for address, resource in of_type(plan, "azurerm_subnet"):
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


def check_spoke(environment, plan, region):
    """Subnets are those of the file; policies of Private Link are off where it takes its addresses, and nowhere else."""
    declared = environment["regions"][region]["subnets"]
    planned = {r["values"]["name"]: r["values"] for _, r in of_type(plan, "azurerm_subnet")}
    yield from differences("subnets", [("addresses", {name: v["address_prefixes"] for name, v in planned.items()},
                                        {name: [block] for name, block in declared.items()})])
    for name, values in planned.items():
        yield from differences(f"subnet {name}", [
            ("policies of Private Link", values["private_link_service_network_policies_enabled"], name != "privateLink"),
            ("policies of endpoints", values["private_endpoint_network_policies"], "Enabled")])


def has_runners(environment, region):
    return "runners" in environment["hub"] and region == environment["hub"]["location"]


def spoke_rules(environment, region):
    """What may come in, by subnet: priority, access, protocol, source and ports of each rule."""
    own, hub = environment["regions"][region], environment["hub"]
    subnets = own["subnets"]
    runners = [(120, "Allow", "Tcp", hub["regions"][region]["subnets"]["runners"], ("443",))] if has_runners(environment, region) else []
    return {
        "nodes": [(100, "Allow", "*", own["cidr"], (ANY,)), (110, "Allow", "*", environment["network"]["pods"], (ANY,)),
                  (120, "Allow", "*", "AzureLoadBalancer", (ANY,))],
        "apiServer": [(100, "Allow", "Tcp", subnets["nodes"], ("443", "4443")),
                      (110, "Allow", "Tcp", "AzureLoadBalancer", ("9988",)), *runners],
        "endpoints": [(100, "Allow", "Tcp", subnets["nodes"], ("10000", "443")),
                      (110, "Allow", "Tcp", subnets["applicationGateway"], ("443",)), *runners],
        # Azure's own manager of Application Gateways must get in, or there is none.
        "applicationGateway": [(100, "Allow", "Tcp", subnets["privateLink"], ("443",)),
                               (110, "Allow", "Tcp", "GatewayManager", ("65200-65535",)),
                               (120, "Allow", "*", "AzureLoadBalancer", (ANY,))],
    }


def hub_rules(environment, places):
    """Rules and subnet of each network security group of the hub. A sixth part of a rule is where it leads, if not everywhere."""
    hub = environment["hub"]
    for name, region in hub["regions"].items():
        yield f"nsg-{region['network']}-endpoints", (
            [(100, "Allow", "Tcp", "VirtualNetwork", ("443",)), (4000, "Deny", "*", "*", ("*",))], places.hub_subnet(name, "endpoints"))
        if has_runners(environment, name):  # Nobody calls a runner; Container Apps keeps itself together.
            own = region["subnets"]["runners"]
            yield f"nsg-{region['network']}-runners", (
                [(100, "Allow", "*", own, ("*",), own), (110, "Allow", "Tcp", "AzureLoadBalancer", ("30000-32767",), own),
                 (4000, "Deny", "*", "VirtualNetwork", ("*",))], places.hub_subnet(name, "runners"))


def rule_as_planned(rule):
    ports = tuple(sorted(rule["destination_port_ranges"])) or (rule["destination_port_range"],)
    where = () if rule["destination_address_prefix"] == "*" else (rule["destination_address_prefix"],)
    odd = (rule["direction"], rule["source_port_range"], rule["source_address_prefixes"], rule["destination_address_prefixes"])
    return (rule["priority"], rule["access"], rule["protocol"], rule["source_address_prefix"], ports, *where,
            *(() if odd == ("Inbound", "*", [], []) else odd))


def check_groups(plan, want):
    """`want`: by the name of the network security group, its rules and the id of the subnet that it is on."""
    groups = {r["values"]["name"]: r["values"] for _, r in of_type(plan, "azurerm_network_security_group")}
    where = {}
    for _, resource in of_type(plan, "azurerm_subnet_network_security_group_association"):
        where.setdefault(resource["values"].get("network_security_group_id"), []).append(resource["values"].get("subnet_id"))
    yield from differences("network security groups", [("names", sorted(groups), sorted(want))])
    for name in sorted(groups.keys() & want.keys()):
        rules, subnet = want[name]
        yield from differences(name, [
            ("rules", sorted(map(rule_as_planned, groups[name]["security_rule"])), sorted(rules)),
            ("subnets", where.get(groups[name]["id"]), [subnet])])


def check_rules(environment, plan, root, region):
    """The network security groups are those that stand here, each with just these rules, and on its subnet."""
    places, want = Places(environment), {}
    if root == "region":
        network = environment["regions"][region]["network"]
        want = {f"nsg-{network}-{subnet}": ([*rules, DENY_OTHERS], places.subnet(region, subnet))
                for subnet, rules in spoke_rules(environment, region).items()}
    if root == "hub":
        want = dict(hub_rules(environment, places))
    yield from check_groups(plan, want)


def ways_out(environment, root, region):
    """(kind, subnet, what it leaves by) of each subnet from which the Internet is reached."""
    places, hub = Places(environment), environment["hub"]
    if root == "hub" and "runners" in hub:
        home = hub["location"]
        yield ("route_table", places.hub_subnet(home, "runners"),
               resource_id(places.hub, "azurerm_route_table", f"rt-{hub['regions'][home]['network']}-runners"))
    if root == "region":
        network, group = environment["regions"][region]["network"], places.region(region)
        nodes = places.subnet(region, "nodes")
        if hub["egressTier"] == "firewall":
            yield "route_table", nodes, resource_id(group, "azurerm_route_table", f"rt-{network}-nodes")
        else:
            yield "nat_gateway", nodes, resource_id(group, "azurerm_nat_gateway", f"ng-{network}")


def check_egress(environment, plan, root, region):
    """Nodes leave by the firewall or by a NAT gateway, as the file says, runners by the firewall, and nothing otherwise."""
    hubs = environment["hub"]["regions"]
    for address, resource in of_type(plan, "azurerm_route_table"):
        values = resource["values"]
        routes = [(r["address_prefix"], r["next_hop_type"], r["next_hop_in_ip_address"]) for r in values["route"]]
        yield from differences(address, [
            ("the routes", routes, [("0.0.0.0/0", "VirtualAppliance", hubs[values["location"]]["firewallIp"])]),
            ("routes of others", values["bgp_route_propagation_enabled"], False)])
    have = [(kind, r["values"].get("subnet_id"), r["values"].get(f"{kind}_id")) for kind in ("route_table", "nat_gateway")
            for _, r in of_type(plan, f"azurerm_subnet_{kind}_association")]
    yield from differences("egress", [("the ways out", have, list(ways_out(environment, root, region)))])


def check_availability(environment, plan, root, region):
    """What stands in the way in and out is in the zones of the file."""
    for address, resource in of_type(plan, "azurerm_application_gateway", "azurerm_firewall", "azurerm_public_ip"):
        where = environment["regions"][region] if root == "region" else environment["hub"]["regions"][resource["values"]["location"]]
        yield from differences(address, [("zones", sorted(resource["values"]["zones"] or []), sorted(map(str, where["zones"])))])


def check_peering(environment, plan, region):
    """Spoke and hub know each other, from both sides."""
    places, own, hub = Places(environment), environment["regions"][region], environment["hub"]
    network = resource_id(places.region(region), "azurerm_virtual_network", own["network"])
    keys = ("resource_group_name", "virtual_network_name", "remote_virtual_network_id", "allow_virtual_network_access")
    have = sorted(tuple(r["values"].get(key) for key in keys) for _, r in of_type(plan, "azurerm_virtual_network_peering"))
    yield from differences("peering", [("networks", have, sorted([
        (own["resourceGroup"], own["network"], places.hub_network(region), True),
        (hub["resourceGroup"], hub["regions"][region]["network"], network, True)]))])


def firewall_rules(environment, region):
    """Sources and destinations of what the file adds to the firewall, by rule: what the environments allow."""
    spokes = environment["hub"]["spokes"]
    return {name: ([spoke["ranges"][region]], sorted(spoke["allow"])) for name, spoke in spokes.items()
            if spoke["egressTier"] == "firewall" and region in spoke["ranges"] and spoke["allow"]}


def check_collection(environment, place, region, collection, clusters):
    """A collection of application rules: HTTPS to named hosts, and only for whom it is."""
    hub = environment["hub"]["regions"][region]
    sources = {"aks": clusters, "runners": [hub["subnets"]["runners"]]}
    if collection["name"] == "environments":
        have = {rule["name"]: (rule["source_addresses"], sorted(rule["destination_fqdns"])) for rule in collection["rule"]}
        yield from differences(place, [("environments", have, firewall_rules(environment, region))])
    for rule in collection["rule"]:
        what = f"{place}: {collection['name']}: {rule['name']}"
        yield from differences(what, [
            ("protocols", [(p["type"], p["port"]) for p in rule["protocols"]], [("Https", 443)]),
            ("sources", sorted(rule["source_addresses"]), sorted(sources.get(collection["name"], rule["source_addresses"]))),
            ("other destinations", (rule["destination_addresses"], rule["destination_urls"], rule["web_categories"]), (None, None, None))])
        wide = [host for host in rule["destination_fqdns"] or [] if "*" in host.removeprefix("*.") or host.count(".") < (2 if "*" in host else 1)]
        if wide:
            yield f"{what}: leads to {wide}"


def check_firewall(environment, plan):
    """The firewall lets out what has a name here, and denies what is known to be bad."""
    for address, resource in of_type(plan, "azurerm_firewall_policy"):
        yield from differences(address, [("threat intelligence", resource["values"]["threat_intelligence_mode"], "Deny")])
    for address, resource in of_type(plan, "azurerm_firewall_policy_rule_collection_group"):
        values, region = resource["values"], address.split('"')[1]
        clusters = sorted(spoke["ranges"][region] for spoke in environment["hub"]["spokes"].values()
                          if spoke["egressTier"] == "firewall" and region in spoke["ranges"])
        time = [(["UDP"], clusters, ["ntp.ubuntu.com"], ["123"], None)]
        keys = ("protocols", "source_addresses", "destination_fqdns", "destination_ports", "destination_addresses")
        rules = [tuple(rule[key] for key in keys) for collection in values["network_rule_collection"] for rule in collection["rule"]]
        names = {"aks": True, "runners": has_runners(environment, region), "environments": bool(firewall_rules(environment, region))}
        yield from differences(address, [
            ("the network rules", rules, time), ("translations", values["nat_rule_collection"], []),
            ("collections", sorted(c["name"] for c in values["application_rule_collection"]), sorted(name for name in names if names[name]))])
        for collection in values["application_rule_collection"]:
            yield from check_collection(environment, address, region, collection, clusters)


def check(environment, plan, root, region):
    yield from check_networks(environment, plan)
    yield from check_rules(environment, plan, root, region)
    yield from check_egress(environment, plan, root, region)
    yield from check_firewall(environment, plan)
    yield from check_availability(environment, plan, root, region)
    if root == "region":
        yield from check_spoke(environment, plan, region)
        yield from check_peering(environment, plan, region)
