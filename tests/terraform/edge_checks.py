"""The way in: Front Door, Private Link, Application Gateway, and the web application firewalls of both. These checks read second
plans."""
from arm import Places, resource_id
from planner import differences, of_type

MANAGED_RULES = [("Microsoft_BotManagerRuleSet", "1.1", "Block"), ("Microsoft_DefaultRuleSet", "2.1", "Block")]


def check_gateways(environment, plan):
    """The public frontend that Private Link needs has no listener, and the private one is what Private Link leads to."""
    places = Places(environment)
    for address, resource in of_type(plan, "azurerm_application_gateway"):
        values = resource["values"]
        region = values["location"]
        # Which frontend got the address is unknown before it exists: it is the one without a private address.
        public = {f["name"] for f in values["frontend_ip_configuration"] if not f.get("private_ip_address")}
        listening = {listener["frontend_ip_configuration_name"] for listener in values["http_listener"]}
        linked = {f["name"] for f in values["frontend_ip_configuration"] if f.get("private_link_configuration_name")}
        if len(public) != 1 or public & listening:
            yield f"{address}: something listens on the public frontend {public}"
        if linked != listening or linked != {"Gateway"}:
            yield f"{address}: Private Link leads to {linked}, the listeners are on {listening}"
        if values["backend_address_pool"][0]["ip_addresses"] != [environment["regions"][region]["gatewayIp"]]:
            yield f"{address}: does not lead to the declared address of the cluster's Gateway"
        policy = resource_id(places.region(region), "azurerm_web_application_firewall_policy", f"waf-{environment['regions'][region]['applicationGateway']}")
        subnets = [c.get("subnet_id") for c in values["private_link_configuration"][0]["ip_configuration"]]
        yield from differences(address, [
            ("the firewall", values.get("firewall_policy_id"), policy),
            ("its subnet", [c.get("subnet_id") for c in values["gateway_ip_configuration"]], [places.subnet(region, "applicationGateway")]),
            ("Private Link's subnet", subnets, [places.subnet(region, "privateLink")]),
            ("protocols", {listener["protocol"] for listener in values["http_listener"]}, {"Https"})])


def check_gateway_waf(environment, plan):
    for address, resource in of_type(plan, "azurerm_web_application_firewall_policy"):
        settings, rules = resource["values"]["policy_settings"][0], resource["values"]["managed_rules"][0]
        waf = environment["edge"]["waf"]
        yield from differences(address, [
            ("mode", settings["mode"], waf["mode"].title()),
            ("enabled", settings["enabled"], True), ("body check", settings["request_body_check"], True),
            ("files that are too large", settings["file_upload_enforcement"], True),
            ("rule sets", [(s["type"], s["version"], s["rule_group_override"]) for s in rules["managed_rule_set"]], [("Microsoft_DefaultRuleSet", "2.1", [])]),
            ("exclusions", sorted(e["selector"] for e in rules["exclusion"]), sorted(e["name"] for e in waf["exclusions"]))])


def check_door_waf(environment, plan):
    for address, resource in of_type(plan, "azurerm_cdn_frontdoor_firewall_policy"):
        values, waf = resource["values"], environment["edge"]["waf"]
        custom, geo = values["custom_rule"], waf["geo"]
        countries = [(sorted(listed), listed is geo["allow"]) for listed in (geo["allow"], geo["block"]) if listed]
        rules = [rule for managed in values["managed_rule"] for override in managed["override"] for rule in override["rule"]]
        yield from differences(address, [
            ("mode", values["mode"], waf["mode"].title()),
            ("enabled", values["enabled"], True), ("body check", values["request_body_check_enabled"], True),
            ("managed rules", sorted((m["type"], m["version"], m["action"]) for m in values["managed_rule"]), MANAGED_RULES),
            ("overrides", {(rule["action"], rule["enabled"]) for rule in rules} - {("AnomalyScoring", True)}, set()),
            ("what is excluded", {rule["rule_id"] for rule in rules}, {e["rule"] for e in waf["exclusions"]}),
            ("custom rules", {(rule["action"], rule["enabled"]) for rule in custom}, {("Block", True)}),
            ("the rate limit", [rule["rate_limit_threshold"] for rule in custom if rule["type"] == "RateLimitRule"], [waf["limits"]["requestsPerMinute"]]),
            ("countries", [(sorted(m["match_values"]), m["negation_condition"]) for rule in custom for m in rule["match_condition"]
                           if m["operator"] == "GeoMatch"], countries)])


def check_origins(environment, plan):
    """One origin per region, by Private Link to its Application Gateway, whose certificate is checked for a host of its own."""
    places = Places(environment)
    keys = ("host_name", "certificate_name_check_enabled", "enabled", "cdn_frontdoor_origin_group_id")
    group = places.door("azurerm_cdn_frontdoor_origin_group", "regions")
    approval = f"{environment['global']['frontDoor']} asks to reach the origin"
    have = {r["values"]["name"]: (tuple(r["values"].get(key) for key in keys), [
        (link["private_link_target_id"], link["target_type"], link["location"], link["request_message"]) for link in r["values"]["private_link"]])
        for _, r in of_type(plan, "azurerm_cdn_frontdoor_origin")}
    want = {name: ((region["originHost"], True, True, group),
                   [(places.in_region(name, "azurerm_application_gateway", "applicationGateway"), "Gateway",
                     region["privateLinkLocation"], approval)])
            for name, region in environment["regions"].items()}
    hosts = {facts[0] for facts, _ in have.values()}
    yield from differences("origins", [("regions", have, want), ("hosts of their own", len(hosts), len(have))])


def check_route(environment, plan, domains):
    places = Places(environment)
    endpoint = places.door("azurerm_cdn_frontdoor_endpoint", environment["global"]["frontDoorEndpoint"])
    routes = of_type(plan, "azurerm_cdn_frontdoor_route")
    yield from differences("routes", [("names", [r["values"]["name"] for _, r in routes], ["all"])])
    for address, resource in routes:
        values = resource["values"]
        yield from differences(address, [
            ("endpoint", values["cdn_frontdoor_endpoint_id"], endpoint),
            ("origins", values.get("cdn_frontdoor_origin_group_id"), places.door("azurerm_cdn_frontdoor_origin_group", "regions")),
            ("hosts", sorted(values.get("cdn_frontdoor_custom_domain_ids") or []), domains),
            ("enabled", values["enabled"], True), ("paths", values["patterns_to_match"], ["/*"]),
            ("towards the origin", values["forwarding_protocol"], "HttpsOnly"),
            ("redirect to HTTPS", (values["https_redirect_enabled"], sorted(values["supported_protocols"])), (True, ["Http", "Https"])),
            ("Azure's own host name", values["link_to_default_domain"], False)])


def check_edge(environment, plan, root):
    """Every host of the file, and no other, leads through the firewall to the origins, by HTTPS."""
    if root != "edge":
        return
    places, hosts = Places(environment), environment["edge"]["hosts"]
    domains = sorted(places.door("azurerm_cdn_frontdoor_custom_domain", host.replace(".", "-")) for host in hosts)
    custom = [r["values"] for _, r in of_type(plan, "azurerm_cdn_frontdoor_custom_domain")]
    associated = [r["values"].get("cdn_frontdoor_custom_domain_id") for _, r in of_type(plan, "azurerm_cdn_frontdoor_custom_domain_association")]
    endpoint = places.door("azurerm_cdn_frontdoor_endpoint", environment["global"]["frontDoorEndpoint"])
    policies = [(firewall["cdn_frontdoor_firewall_policy_id"], association["patterns_to_match"],
                 sorted(domain.get("cdn_frontdoor_domain_id") or "" for domain in association["domain"]))
                for _, r in of_type(plan, "azurerm_cdn_frontdoor_security_policy")
                for firewall in r["values"]["security_policies"][0]["firewall"] for association in firewall["association"]]
    waf = places.in_world("azurerm_cdn_frontdoor_firewall_policy", "frontDoorPolicy")
    yield from differences("edge", [
        ("hosts", sorted(values["host_name"] for values in custom), sorted(hosts)),
        ("certificates", {(t["certificate_type"], t["minimum_version"]) for v in custom for t in v["tls"]}, {("ManagedCertificate", "TLS12")}),
        ("associated hosts", sorted(map(str, associated)), domains),
        ("what the firewall stands before", policies, [(waf, ["/*"], sorted([endpoint, *domains]))])])
    yield from check_origins(environment, plan)
    yield from check_route(environment, plan, domains)


def check(environment, plan, root):
    yield from check_gateways(environment, plan)
    yield from check_gateway_waf(environment, plan)
    yield from check_door_waf(environment, plan)
    yield from check_edge(environment, plan, root)
