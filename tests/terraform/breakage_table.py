"""What breakages.py breaks: in which root, how, and what the finding must contain."""
from breaking import adding, changing, dropping, forgetting, setting

RULES = 'azurerm_network_security_group.this["{}"]'
COLLECTIONS = "azurerm_firewall_policy_rule_collection_group"
DOOR_WAF, GATEWAY_WAF = "azurerm_cdn_frontdoor_firewall_policy", "azurerm_web_application_firewall_policy"
CLUSTER, GATEWAY, REDIS = "azurerm_kubernetes_cluster", "azurerm_application_gateway", "azurerm_managed_redis"
COSMOS_GRANT, ASSIGNED = "azurerm_cosmosdb_sql_role_assignment", "azurerm_role_assignment"
REGISTERED, DEFENDER = "azurerm_resource_provider_registration", "azurerm_security_center_subscription_pricing"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"


def cut(key, end):
    """Shortens a text of a resource, such as an id, to what stands before `end`."""
    return lambda values: values.update({key: values[key].partition(end)[0]})


def rules(**change):
    return lambda values: [rule.update(change) for rule in values["security_rule"]]


def condition(old, new):
    return changing('azurerm_role_assignment.roles["dev-deploy"]', lambda v: v.update(condition=v["condition"].replace(old, new)))


def first_host(host):
    """The first rule of the firewall that names hosts leads to this one instead."""
    return lambda values: values["application_rule_collection"][0]["rule"][1].update(destination_fqdns=[host])


def without(key, name):
    """Takes what has this name out of a list of the resource."""
    return lambda values: values.update({key: [part for part in values[key] if part["name"] != name]})


ANYWHERE = {"name": "any", "protocols": ["Any"], "source_addresses": ["*"], "destination_addresses": ["*"], "destination_ports": ["*"],
            "destination_fqdns": None}
AROUND = {"name": "around", "address_prefix": "20.0.0.0/8", "next_hop_type": "Internet", "next_hop_in_ip_address": None}

GENERAL = [
    ("region", setting("azurerm_virtual_network", "tags", {}), "lacks the environment's tags"),
    ("region", setting("azurerm_key_vault", "public_network_access_enabled", True), "public_network_access_enabled is True"),
    ("region", setting("azurerm_storage_account", "shared_access_key_enabled", True), "shared_access_key_enabled is True"),
    ("region", setting(REDIS, "public_network_access", "Enabled"), "public_network_access is Enabled"),
    ("region", setting(CLUSTER, "local_account_disabled", False), "local_account_disabled is False"),
    ("region", setting("azurerm_subnet", "default_outbound_access_enabled", True), "default_outbound_access_enabled is True"),
    ("region", setting("azurerm_key_vault", "network_acls", 0, "default_action", "Allow"), "once open, it lets in"),
    ("foundation", setting("azurerm_storage_account", "network_rules", 0, "default_action", "Allow"), "once open, it lets in"),
    ("region", adding("azurerm_public_ip.x", zones=[]), "a public address that nobody explains"),
    ("region", setting("azurerm_public_ip", "zones", ["1", "2"]), "Azure widens two zones"),
    ("region", adding("azurerm_public_ip_prefix.x"), "no check knows this type"),
    ("region", adding("azurerm_route.x"), "no check knows this type"),
    ("region", adding("time_static.x"), "no check knows this type"),
    ("region", adding('azurerm_storage_queue.x["1"]', name="x"), "a place in a list"),
    ("global", setting("azurerm_cosmosdb_account", "local_authentication_enabled", True), "local_authentication_enabled is True"),
    ("global", setting("azurerm_consumption_budget_subscription", "amount", 1), "amount is 1"),
    ("foundation", setting("azurerm_container_registry", "admin_enabled", True), "admin_enabled is True"),
    ("foundation", setting("azurerm_storage_account", "public_network_access_enabled", True), "public_network_access_enabled is True"),
]
CLUSTERS = [
    ("region", setting(CLUSTER, "kubernetes_version", "1.35"), "version is 1.35"),
    ("region", setting(CLUSTER, "cost_analysis_enabled", False), "cost analysis is False"),
    ("region", setting(CLUSTER, "auto_scaler_profile", 0, "scale_down_utilization_threshold", "0.5"), "autoscaler is 0.5"),
    ("region", setting(CLUSTER, "maintenance_window_auto_upgrade", 0, "day_of_week", "Monday"), "window is"),
    ("region", setting(CLUSTER, "maintenance_window_node_os", 0, "start_time", "12:00"), "node window is"),
    ("region", setting(CLUSTER, "microsoft_defender", []), "Defender is 0"),
    ("region", setting(CLUSTER, "azure_active_directory_role_based_access_control", 0, "azure_rbac_enabled", False), "Azure RBAC is False"),
    ("region", setting(CLUSTER, "network_profile", 0, "outbound_type", "loadBalancer"), "egress is loadBalancer"),
    ("region", setting(CLUSTER, "run_command_enabled", False), "run command is False"),
    ("region", changing(CLUSTER, lambda v: v["api_server_access_profile"][0].update(subnet_id=v["default_node_pool"][0]["vnet_subnet_id"])),
     "the API server's subnet is"),
    ("region", setting("azurerm_kubernetes_cluster_node_pool", "max_count", 99), "pool"),
    ("region", setting("azurerm_kubernetes_cluster_node_pool", "zones", ["3"]), "pool"),
    ("region", setting('azurerm_kubernetes_cluster_node_pool.this["spot"]', "spot_max_price", 0.01), "pool spot is"),
    ("region", setting('azurerm_kubernetes_cluster_node_pool.this["workload"]', "host_encryption_enabled", False), "pool workload is"),
    ("region", setting(CLUSTER, "default_node_pool", 0, "vm_size", "Standard_B1s"), "pool system"),
    ("region", setting(CLUSTER, "default_node_pool", 0, "orchestrator_version", None), "pool system"),
    ("region", setting('azurerm_kubernetes_cluster_node_pool.this["workload"]', "orchestrator_version", "1.35"), "pool workload is"),
    ("region", setting('azurerm_kubernetes_cluster_node_pool.this["spot"]', "node_taints", []), "pool spot is"),
    ("region", setting('azurerm_kubernetes_cluster_node_pool.this["workload"]', "node_labels", {"a": "b"}), "pool workload is"),
    ("region", dropping("azurerm_kubernetes_cluster_node_pool"), "pool spot is None"),
]
NETWORKS = [
    ("region", setting("azurerm_subnet", "address_prefixes", ["10.17.8.0/24"]), "overlaps"),
    ("region", setting("azurerm_subnet", "address_prefixes", ["10.99.0.0/24"]), "is outside of"),
    ("region", setting("azurerm_subnet", "delegation", []), "delegated to []"),
    ("region", setting('azurerm_subnet.this["privateLink"]', "private_link_service_network_policies_enabled", True), "policies of Private Link is True"),
    ("region", setting('azurerm_subnet.this["endpoints"]', "private_endpoint_network_policies", "Disabled"), "policies of endpoints is Disabled"),
    ("region", dropping("azurerm_subnet_network_security_group_association"), "subnets is None"),
    ("region", setting(RULES.format("nodes"), "security_rule", []), "nodes: rules is []"),
    ("region", changing(RULES.format("nodes"), rules(source_address_prefix="Internet")), "nodes: rules is"),
    ("region", changing(RULES.format("endpoints"), rules(destination_port_ranges=["0-65535"])), "endpoints: rules is"),
    ("region", changing(RULES.format("applicationGateway"), without("security_rule", "gateway-manager")), "applicationGateway: rules is"),
    ("hub", changing("azurerm_network_security_group.endpoints", rules(destination_port_range="*")), "endpoints: rules is"),
    ("region", dropping("azurerm_subnet_route_table_association"), "the ways out is []"),
    ("region", changing("azurerm_subnet_route_table_association", lambda v: v.update(subnet_id=v["subnet_id"].replace("nodes", "gateway"))), "the ways out is"),
    ("region", adding("azurerm_network_security_group.x", name="x", security_rule=[]), "network security groups: names is"),
    ("region", setting("azurerm_route_table", "route", 0, "next_hop_in_ip_address", "10.0.0.9"), "the routes is"),
    ("region", changing("azurerm_route_table", lambda v: v["route"].append(AROUND)), "the routes is"),
    ("hub", setting("azurerm_route_table", "route", 0, "next_hop_in_ip_address", "10.0.0.9"), "the routes is"),
    ("region", setting("azurerm_application_gateway", "zones", ["2"]), "zones is ['2']"),
    ("hub", setting("azurerm_firewall", "zones", []), "zones is []"),
    ("region", dropping("azurerm_virtual_network_peering.from_hub"), "peering: networks is"),
    ("region", dropping("azurerm_virtual_network_peering.to_hub"), "peering: networks is"),
    ("hub", setting("azurerm_firewall_policy", "threat_intelligence_mode", "Off"), "threat intelligence is Off"),
    ("hub", changing(COLLECTIONS, first_host("*")), "leads to ['*']"),
    ("hub", changing(COLLECTIONS, first_host("*.com")), "leads to ['*.com']"),
    ("hub", setting(COLLECTIONS, "application_rule_collection", 0, "rule", 0, "source_addresses", ["*"]), "sources is ['*']"),
    ("hub", setting(COLLECTIONS, "application_rule_collection", 0, "rule", 0, "protocols", [{"type": "Http", "port": 80}]), "protocols is"),
    ("hub", setting(COLLECTIONS, "application_rule_collection", 0, "rule", 0, "destination_addresses", ["*"]), "other destinations is"),
    ("hub", setting(COLLECTIONS, "application_rule_collection", 2, "rule", 0, "destination_fqdns", ["evil.example"]), "environments is"),
    ("hub", setting(COLLECTIONS, "application_rule_collection", 2, "name", "more"), "collections is"),
    ("hub", changing(COLLECTIONS, without("application_rule_collection", "runners")), "collections is"),
    ("hub", changing(COLLECTIONS, lambda v: v["network_rule_collection"][0]["rule"].append(ANYWHERE)), "the network rules is"),
]
ENDPOINTS = [
    ("region", dropping("module.cosmos_endpoint.azurerm_private_endpoint"), "['Sql']"),
    ("region", dropping("module.key_vault.module.endpoint"), "['vault']"),
    ("region", dropping("module.queues.module.endpoint"), "['queue']"),
    ("region", dropping("azurerm_private_endpoint"), "['redisEnterprise']"),
    ("hub", dropping("module.state_endpoint.azurerm_private_endpoint"), "['blob']"),
    ("hub", dropping("azurerm_private_endpoint"), "['registry']"),
    ("region", setting("azurerm_private_endpoint", "private_service_connection", 0, "subresource_names", ["Table"]), "an endpoint is missing"),
    ("region", setting("azurerm_private_endpoint", "private_dns_zone_group", []), "an endpoint is missing"),
    ("region", adding("azurerm_private_endpoint.x", private_dns_zone_group=[],
                      private_service_connection=[{"subresource_names": ["blob"], "is_manual_connection": False}]), "nobody declared"),
    ("hub", changing("azurerm_private_dns_zone", lambda v: v.update(id=v["id"].replace("privatelink.", ""))), "DNS: zones is"),
    ("hub", dropping("azurerm_private_dns_zone_virtual_network_link"), "DNS: links is []"),
    ("region", dropping("azurerm_private_dns_zone_virtual_network_link"), "DNS: links is []"),
    ("hub", setting("azurerm_private_dns_zone_virtual_network_link", "resolution_policy", "Default"), "DNS: links is"),
]
EDGE = [
    ("region", setting(GATEWAY, "http_listener", 0, "frontend_ip_configuration_name", "public-unused"), "listens on the public"),
    ("region", setting(GATEWAY, "frontend_ip_configuration", 1, "private_link_configuration_name", None), "Private Link leads to"),
    ("region", setting(GATEWAY, "backend_address_pool", 0, "ip_addresses", ["10.0.0.1"]), "declared address"),
    ("region", setting(GATEWAY, "firewall_policy_id", None), "the firewall is None"),
    ("region", setting(GATEWAY_WAF, "policy_settings", 0, "mode", "Detection"), "mode is Detection"),
    ("region", setting(GATEWAY_WAF, "policy_settings", 0, "enabled", False), "enabled is False"),
    ("region", setting(GATEWAY_WAF, "managed_rules", 0, "managed_rule_set", []), "rule sets is []"),
    ("region", setting(GATEWAY_WAF, "policy_settings", 0, "file_upload_enforcement", None), "files that are too large is None"),
    ("global", setting(DOOR_WAF, "mode", "Detection"), "mode is Detection"),
    ("global", setting(DOOR_WAF, "enabled", False), "enabled is False"),
    ("global", setting(DOOR_WAF, "custom_rule", 0, "rate_limit_threshold", 5), "the rate limit is [5]"),
    ("global", setting(DOOR_WAF, "custom_rule", 0, "action", "Log"), "custom rules is"),
    ("global", setting(DOOR_WAF, "custom_rule", 0, "enabled", False), "custom rules is"),
    ("global", setting(DOOR_WAF, "managed_rule", 0, "action", "Log"), "managed rules is"),
    ("global", changing(DOOR_WAF, lambda v: v["managed_rule"].pop()), "managed rules is"),
    ("edge", setting("azurerm_cdn_frontdoor_origin", "private_link", []), "origins: regions is"),
    ("edge", setting("azurerm_cdn_frontdoor_origin", "certificate_name_check_enabled", False), "origins: regions is"),
    ("edge", dropping("azurerm_cdn_frontdoor_origin"), "origins: regions is {}"),
    ("edge", setting("azurerm_cdn_frontdoor_origin", "host_name", "origin.dev.shop.example"), "origins: regions is"),
    ("edge", changing("azurerm_cdn_frontdoor_security_policy", lambda v: v["security_policies"][0]["firewall"][0]["association"][0]["domain"].pop()),
     "the firewall stands before"),
    ("edge", dropping("azurerm_cdn_frontdoor_security_policy"), "the firewall stands before is []"),
    ("edge", setting("azurerm_cdn_frontdoor_route", "forwarding_protocol", "HttpOnly"), "towards the origin is HttpOnly"),
    ("edge", setting("azurerm_cdn_frontdoor_route", "https_redirect_enabled", False), "redirect to HTTPS is"),
    ("edge", setting("azurerm_cdn_frontdoor_route", "link_to_default_domain", True), "Azure's own host name is True"),
    ("edge", setting("azurerm_cdn_frontdoor_route", "cdn_frontdoor_custom_domain_ids", []), "hosts is []"),
    ("edge", dropping("azurerm_cdn_frontdoor_custom_domain"), "edge: hosts is []"),
    ("edge", setting("azurerm_cdn_frontdoor_custom_domain", "tls", 0, "minimum_version", "TLS10"), "certificates is"),
]
DATA = [
    ("global", setting("azurerm_cosmosdb_account", "geo_location", []), "regions are"),
    ("global", setting("azurerm_cosmosdb_account", "backup", 0, "tier", "Continuous30Days"), "backup is"),
    ("global", setting("azurerm_cosmosdb_account", "consistency_policy", 0, "consistency_level", "Eventual"), "consistency is Eventual"),
    ("global", setting("azurerm_cosmosdb_sql_container", "partition_key_paths", ["/id"]), "partition key is"),
    ("global", setting("azurerm_cosmosdb_sql_container", "default_ttl", 60), "time to live is 60"),
    ("global", dropping("azurerm_cosmosdb_sql_container"), "containers: names is []"),
    ("region", setting(REDIS, "sku_name", "Balanced_B100"), "size is Balanced_B100"),
    ("region", setting(REDIS, "high_availability_enabled", True), "high availability is True"),
    ("region", setting(REDIS, "default_database", 0, "client_protocol", "Plaintext"), "protocol is Plaintext"),
    ("region", setting(REDIS, "default_database", 0, "clustering_policy", "OSSCluster"), "OSSCluster"),
    ("region", setting(REDIS, "default_database", 0, "access_keys_authentication_enabled", True), "access by key is True"),
    ("region", setting("azurerm_storage_account", "account_replication_type", "GRS"), "queues: accounts is"),
    ("region", setting("azurerm_key_vault", "purge_protection_enabled", False), "purge protection is False"),
    ("region", setting("azurerm_log_analytics_workspace", "retention_in_days", 7), "days that logs stay is 7"),
    ("region", setting("azurerm_log_analytics_workspace", "local_authentication_enabled", False), "access by Defender's sensor is False"),
    ("foundation", setting("azurerm_container_registry", "georeplications", []), "replicas is {}"),
    ("foundation", setting("azurerm_container_registry", "zone_redundancy_enabled", False), "zone redundancy is False"),
    ("foundation", setting("azurerm_container_registry", "network_rule_bypass_option", "None"), "who passes its door is None"),
]
GRANTS = [
    ("region", dropping(ASSIGNED), "this grant is missing"),
    ("region", adding("azurerm_role_assignment.x"), "a grant that nobody declared"),
    ("region", setting(ASSIGNED, "role_definition_name", "Owner"), "role_definition_name is Owner"),
    ("region", setting(ASSIGNED, "role_definition_name", "Owner"), "which the deploy pipeline may not give"),
    ("region", setting(ASSIGNED, "principal_id", "somebody"), "principal_id is somebody"),
    ("region", setting("azurerm_role_assignment.kubelet_pull", "scope", SUBSCRIPTION), "scope is"),
    ("region", setting("azurerm_role_assignment.control_plane_network", "scope", SUBSCRIPTION), "scope is"),
    ("global", changing(COSMOS_GRANT, lambda v: v.update(role_definition_id=v["role_definition_id"][:-1] + "2")), "role_definition_id is"),
    ("global", changing(COSMOS_GRANT, cut("scope", "/dbs/")), "scope is"),
    ("global", setting(COSMOS_GRANT, "principal_id", "somebody"), "principal_id is somebody"),
    ("global", changing(ASSIGNED, cut("scope", "/secrets/")), "scope is"),
    ("foundation", setting(ASSIGNED, "role_definition_name", "Owner"), "role_definition_name is Owner"),
    ("foundation", changing('azurerm_role_assignment.state["dev-plan"]', lambda v: v.update(scope=v["scope"].replace("tfstate-dev", "tfstate-x"))), "scope is"),
    ("foundation", condition("{7f951dda", "{" + VAULT_ADMINISTRATOR + ", 7f951dda"), "condition is"),
    ("foundation", condition(":GuidEquals", ":GuidNotEquals"), "condition is"),
    ("foundation", setting('azurerm_role_assignment.roles["dev-deploy"]', "condition", None), "condition is None"),
    ("foundation", dropping(ASSIGNED), "this grant is missing"),
    ("foundation", changing("azurerm_role_definition", lambda v: v.update(assignable_scopes=[SUBSCRIPTION])), "assignable_scopes is"),
    ("foundation", changing("azurerm_role_definition", lambda v: v["permissions"][0]["actions"].append("*")), "permissions is"),
    ("region", setting("azurerm_federated_identity_credential", "subject", "system:serviceaccount:default:default"), "subject is system"),
    ("region", setting("azurerm_federated_identity_credential", "user_assigned_identity_id", "another"), "user_assigned_identity_id is another"),
    ("region", setting("azurerm_federated_identity_credential", "issuer", "https://issuer.example"), "issuer is https://issuer.example"),
    ("region", dropping("azurerm_federated_identity_credential"), "nobody can become this identity"),
    ("region", adding("azurerm_federated_identity_credential.x"), "a credential that nobody declared"),
    ("foundation", setting("azurerm_federated_identity_credential", "issuer", "https://issuer.example"), "issuer is https://issuer.example"),
]
SUBSCRIPTIONS = [
    ("foundation", dropping(f'{REGISTERED}.this["Microsoft.Cache"]'), "Microsoft.Cache is not registered"),
    ("foundation", dropping(f'{REGISTERED}.this["Microsoft.PolicyInsights"]'), "Microsoft.PolicyInsights is not registered"),
    ("foundation", setting(f"{REGISTERED}.compute", "feature", []), "EncryptionAtHost is not registered"),
    ("foundation", dropping(f'{DEFENDER}.this["KeyVaults"]'), "Defender: its plans is"),
    ("foundation", setting(f"{DEFENDER}.containers", "extension", []), "what it does is []"),
    ("foundation", setting(f"{DEFENDER}.storage", "tier", "Free"), "tier is"),
    ("foundation", setting(f'{DEFENDER}.this["KeyVaults"]', "subplan", None), "tier is ('Standard', None)"),
    ("foundation", forgetting("azurerm_resource_group.this", "depends_on"), "module.registry does not wait for"),
    ("foundation", forgetting("azurerm_security_center_subscription_pricing.storage", "depends_on"), "storage does not wait for"),
    ("foundation", dropping('azurerm_container_registry_cache_rule.this["quay/argoproj/argocd"]'), "no cache rule fetches quay/argoproj/argocd"),
]
RUNNERS = [
    ("hub", setting("azurerm_container_app_environment", "internal_load_balancer_enabled", False), "internal_load_balancer_enabled is False"),
    ("hub", setting("azurerm_container_app_environment", "public_network_access", "Enabled"), "public_network_access is Enabled"),
    ("hub", dropping("azurerm_container_app_job"), "jobs are []"),
    ("hub", dropping("terraform_data"), "nothing keeps their containers"),
    ("hub", setting("azurerm_container_app_job", "template", 0, "container", 0, "image", "runner:latest"), "images"),
    ("hub", setting("azurerm_container_app_job", "template", 0, "container", 0, "env", [{"name": "KEY", "secret_name": "app-key"}]), "who has a secret"),
    ("hub", setting("azurerm_container_app_job", "event_trigger_config", 0, "scale", 0, "max_executions", 99), "executions"),
    ("hub", setting("azurerm_container_app_job", "secret", 0, "value", "a key"), "secrets"),
    ("hub", setting("azurerm_container_app_job", "registry", 0, "identity", "somebody"), "who pulls and reads"),
    ("hub", dropping("azurerm_subnet_route_table_association"), "the ways out is []"),
    ("hub", setting("azurerm_network_security_group.runners", "security_rule", []), "runners: rules is []"),
    ("hub", changing("azurerm_network_security_group.runners", rules(source_address_prefix="10.0.0.0/8")), "runners: rules is"),
    ("hub", setting("azurerm_subnet.runners", "delegation", 0, "service_delegation", 0, "name", "Microsoft.Web/serverFarms"), "runners: delegation"),
]
BREAKAGES = [*GENERAL, *CLUSTERS, *NETWORKS, *ENDPOINTS, *EDGE, *DATA, *GRANTS, *SUBSCRIPTIONS, *RUNNERS]

# What no environment's services have, but that of stability.py.
SERVICE = [
    ("global", setting('azurerm_cosmosdb_sql_container.this["orders/orders"]', "default_ttl", None), "time to live is None"),
    ("region", changing("module.queues.azurerm_role_assignment", cut("scope", "/queueServices/")), "scope is"),
    ("region", setting("module.queues.azurerm_role_assignment", "role_definition_name", "Storage Queue Data Contributor"), "role_definition_name is"),
    ("region", changing("module.key_vault.azurerm_role_assignment", cut("scope", "/secrets/")), "scope is"),
    ("region", setting("azurerm_managed_redis_access_policy_assignment", "object_id", "somebody"), "object_id is somebody"),
    ("region", dropping("azurerm_storage_queue"), "queues: names is []"),
]
