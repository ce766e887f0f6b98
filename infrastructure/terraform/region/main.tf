module "environment" {
  source = "../modules/environment"

  name = var.environment
  root = "region"
}

module "dns_zones" {
  source = "../modules/dns-zones"
}

resource "azurerm_resource_group" "this" {
  name     = local.region.resourceGroup
  location = var.region
  tags     = local.tags
}

module "spoke" {
  source = "../modules/spoke"

  name                = local.region.network
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  cidr                = local.region.cidr
  pods_cidr           = local.environment.network.pods
  subnets             = local.region.subnets
  tags                = local.tags

  egress = {
    tier        = local.hub.egressTier
    firewall_ip = local.hub_region.firewallIp
    zones       = local.zones
  }

  hub = {
    network_name        = local.hub_region.network
    network_id          = "${local.hub_group}/providers/Microsoft.Network/virtualNetworks/${local.hub_region.network}"
    resource_group_name = local.hub.resourceGroup
    runners_cidr        = can(local.hub.runners) && var.region == local.hub.location ? local.hub_region.subnets.runners : null
  }
}

# The spoke's workloads find the private endpoints by the hub's zones.
resource "azurerm_private_dns_zone_virtual_network_link" "spoke" {
  for_each = local.dns_zone_ids

  name                 = local.region.network
  private_dns_zone_id  = each.value
  virtual_network_id   = module.spoke.network_id
  registration_enabled = false
  resolution_policy    = "NxDomainRedirect" # Others' endpoints have names in such a zone, too: those are asked of the Internet.
  tags                 = local.tags
}

resource "azurerm_log_analytics_workspace" "this" {
  name                = local.region.logWorkspace
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  sku                 = "PerGB2018"
  retention_in_days   = local.environment.observability.retentionDays
  # Defender's sensor in the cluster writes by the workspace's key, which AKS gives it, and crashes without.
  local_authentication_enabled = true
  # Closed by an Azure Monitor Private Link Scope only, which comes with observability.
  internet_ingestion_access_type = "Enabled"
  internet_query_access_type     = "Enabled"
  tags                           = local.tags
}

module "cluster" {
  source = "../modules/cluster"

  name                     = local.region.cluster
  location                 = var.region
  resource_group_name      = azurerm_resource_group.this.name
  node_resource_group_name = local.region.nodeResourceGroup
  tenant_id                = local.environment.azure.tenant
  admin_group_ids          = local.environment.azure.groups.admins
  kubernetes_version       = local.environment.cluster.version
  tier                     = local.environment.cluster.tier
  cost_analysis_enabled    = local.environment.cluster.tier != "Free"
  autoscaler               = local.environment.cluster.autoscaler
  upgrades                 = local.environment.cluster.upgrades
  maintenance              = local.environment.cluster.maintenance
  registry_id              = local.registry_id
  log_workspace_id         = azurerm_log_analytics_workspace.this.id
  run_command_enabled      = true # infrastructure/bootstrap puts Argo CD on the cluster by it.
  tags                     = local.tags

  network = {
    pods                 = local.environment.network.pods
    services             = local.environment.network.services
    dns                  = local.environment.network.dns
    outbound_type        = local.hub.egressTier == "firewall" ? "userDefinedRouting" : "userAssignedNATGateway"
    api_server_subnet_id = module.spoke.subnet_ids.apiServer
    node_subnet_id       = module.spoke.subnet_ids.nodes
    network_id           = module.spoke.network_id
  }

  system_pool = {
    size      = local.environment.nodePools.system.size
    min       = local.environment.nodePools.system.min
    max       = local.environment.nodePools.system.max
    priority  = local.environment.nodePools.system.priority
    max_surge = try(local.environment.nodePools.system.maxSurge, null)
    disk_gb   = try(local.environment.nodePools.system.diskGb, null)
    labels    = local.environment.nodePools.system.labels
    zones     = local.zones
  }
}

module "node_pools" {
  source = "../modules/node-pools"

  cluster_id         = module.cluster.id
  kubernetes_version = local.environment.cluster.version
  subnet_id          = module.spoke.subnet_ids.nodes
  zones              = local.zones
  tags               = local.tags

  pools = {
    for name, pool in local.environment.nodePools : name => {
      size      = pool.size
      min       = pool.min
      max       = pool.max
      priority  = pool.priority
      max_surge = try(pool.maxSurge, null)
      disk_gb   = try(pool.diskGb, null)
      labels    = pool.labels
      taints    = pool.taints
    } if name != "system"
  }
}

# People: admins are the cluster's admin group; developers read.
resource "azurerm_role_assignment" "developers" {
  for_each = toset(local.environment.azure.groups.developers)

  scope                = module.cluster.id
  role_definition_name = "Azure Kubernetes Service RBAC Reader"
  principal_id         = each.value
  principal_type       = "Group"
}
