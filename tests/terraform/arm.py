"""What Azure Resource Manager calls that which the plans make: the kind of each type of resource, and its id. A type that is not
here is one that no check knows, so a plan may not have it."""

NETWORK, CDN, STORAGE = "Microsoft.Network", "Microsoft.Cdn/profiles", "Microsoft.Storage/storageAccounts"
KINDS = {
    "azurerm_application_gateway": f"{NETWORK}/applicationGateways",
    "azurerm_cdn_frontdoor_custom_domain": f"{CDN}/customDomains",
    "azurerm_cdn_frontdoor_custom_domain_association": f"{CDN}/afdEndpoints/routes",
    "azurerm_cdn_frontdoor_endpoint": f"{CDN}/afdEndpoints",
    "azurerm_cdn_frontdoor_firewall_policy": f"{NETWORK}/frontDoorWebApplicationFirewallPolicies",
    "azurerm_cdn_frontdoor_origin": f"{CDN}/originGroups/origins",
    "azurerm_cdn_frontdoor_origin_group": f"{CDN}/originGroups",
    "azurerm_cdn_frontdoor_profile": CDN,
    "azurerm_cdn_frontdoor_route": f"{CDN}/afdEndpoints/routes",
    "azurerm_cdn_frontdoor_security_policy": f"{CDN}/securityPolicies",
    "azurerm_consumption_budget_subscription": "Microsoft.Consumption/budgets",
    "azurerm_container_app_environment": "Microsoft.App/managedEnvironments",
    "azurerm_container_app_job": "Microsoft.App/jobs",
    "azurerm_container_registry": "Microsoft.ContainerRegistry/registries",
    "azurerm_container_registry_cache_rule": "Microsoft.ContainerRegistry/registries/cacheRules",
    "azurerm_cosmosdb_account": "Microsoft.DocumentDB/databaseAccounts",
    "azurerm_cosmosdb_sql_container": "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "azurerm_cosmosdb_sql_database": "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
    "azurerm_cosmosdb_sql_role_assignment": "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "azurerm_federated_identity_credential": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    "azurerm_firewall": f"{NETWORK}/azureFirewalls",
    "azurerm_firewall_policy": f"{NETWORK}/firewallPolicies",
    "azurerm_firewall_policy_rule_collection_group": f"{NETWORK}/firewallPolicies/ruleCollectionGroups",
    "azurerm_key_vault": "Microsoft.KeyVault/vaults",
    "azurerm_kubernetes_cluster": "Microsoft.ContainerService/managedClusters",
    "azurerm_kubernetes_cluster_node_pool": "Microsoft.ContainerService/managedClusters/agentPools",
    "azurerm_log_analytics_workspace": "Microsoft.OperationalInsights/workspaces",
    "azurerm_managed_redis": "Microsoft.Cache/redisEnterprise",
    "azurerm_managed_redis_access_policy_assignment": "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments",
    "azurerm_nat_gateway": f"{NETWORK}/natGateways",
    "azurerm_nat_gateway_public_ip_association": f"{NETWORK}/natGateways",
    "azurerm_network_security_group": f"{NETWORK}/networkSecurityGroups",
    "azurerm_private_dns_zone": f"{NETWORK}/privateDnsZones",
    "azurerm_private_dns_zone_virtual_network_link": f"{NETWORK}/privateDnsZones/virtualNetworkLinks",
    "azurerm_private_endpoint": f"{NETWORK}/privateEndpoints",
    "azurerm_public_ip": f"{NETWORK}/publicIPAddresses",
    "azurerm_resource_group": "Microsoft.Resources/resourceGroups",
    "azurerm_resource_provider_registration": "Microsoft.Resources/providers",
    "azurerm_role_assignment": "Microsoft.Authorization/roleAssignments",
    "azurerm_role_definition": "Microsoft.Authorization/roleDefinitions",
    "azurerm_route_table": f"{NETWORK}/routeTables",
    "azurerm_security_center_subscription_pricing": "Microsoft.Security/pricings",
    "azurerm_storage_account": STORAGE,
    "azurerm_storage_container": f"{STORAGE}/blobServices/containers",
    "azurerm_storage_queue": f"{STORAGE}/queueServices/queues",
    "azurerm_subnet": f"{NETWORK}/virtualNetworks/subnets",
    "azurerm_subnet_nat_gateway_association": f"{NETWORK}/virtualNetworks/subnets",
    "azurerm_subnet_network_security_group_association": f"{NETWORK}/virtualNetworks/subnets",
    "azurerm_subnet_route_table_association": f"{NETWORK}/virtualNetworks/subnets",
    "azurerm_user_assigned_identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "azurerm_virtual_network": f"{NETWORK}/virtualNetworks",
    "azurerm_virtual_network_peering": f"{NETWORK}/virtualNetworks/virtualNetworkPeerings",
    "azurerm_web_application_firewall_policy": f"{NETWORK}/applicationGatewayWebApplicationFirewallPolicies",
}
OF_NO_PROVIDER = {"terraform_data"}  # Runs the scripts that tests/terraform/scripts.py and runner_scripts.py try.


def group_id(subscription, group):
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def resource_id(group, kind, *names):
    """`kind` is a type of Terraform's; one name for it, and one for each of its parents before."""
    provider, *steps = KINDS[kind].split("/")
    return "/".join([group, "providers", provider, *(part for pair in zip(steps, names, strict=True) for part in pair)])


def identity_id(group, name):
    return resource_id(group, "azurerm_user_assigned_identity", name)


def issuer_of(cluster):
    """The OIDC issuer that a cluster has in tests."""
    return f"https://oidc.example/{cluster}/"


class Places:
    """Ids of what an environment is made of, by its environment.json."""

    def __init__(self, environment):
        self.environment = environment
        self.hub_of, self.subscription = environment["hub"], f"/subscriptions/{environment['azure']['subscription']}"
        self.foundation, self.hub = self.group(environment["foundation"]), self.group(environment["hub"])
        self.world = self.group(environment["global"])
        registry = environment["registry"]
        self.registry_group = group_id(registry["subscription"], registry["resourceGroup"])
        self.registry = resource_id(self.registry_group, "azurerm_container_registry", registry["name"])
        self.state = resource_id(self.foundation, "azurerm_storage_account", environment["foundation"]["stateAccount"])

    def group(self, names):
        return group_id(self.environment["azure"]["subscription"], names["resourceGroup"])

    def region(self, name):
        return self.group(self.environment["regions"][name])

    def in_region(self, name, kind, key):
        """What is called `key` in the region's part of the file."""
        return resource_id(self.region(name), kind, self.environment["regions"][name][key])

    def in_world(self, kind, key):
        return resource_id(self.world, kind, self.environment["global"][key])

    def zone(self, region, zone):
        group = group_id(self.environment["azure"]["subscription"], self.hub_of["regions"][region]["dnsResourceGroup"])
        return resource_id(group, "azurerm_private_dns_zone", zone)

    def hub_network(self, region):
        return resource_id(self.hub, "azurerm_virtual_network", self.hub_of["regions"][region]["network"])

    def hub_subnet(self, region, subnet):
        return resource_id(self.hub, "azurerm_subnet", self.hub_of["regions"][region]["network"], subnet)

    def subnet(self, region, subnet):
        return resource_id(self.region(region), "azurerm_subnet", self.environment["regions"][region]["network"], subnet)

    def door(self, kind=None, *names):
        """Front Door's profile, or what is in it."""
        profile = (self.environment["global"]["frontDoor"],)
        return resource_id(self.world, kind or "azurerm_cdn_frontdoor_profile", *profile, *names)
