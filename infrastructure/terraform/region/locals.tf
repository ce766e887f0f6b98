locals {
  environment = module.environment.value
  region      = local.environment.regions[var.region]
  hub         = local.environment.hub
  hub_region  = local.hub.regions[var.region]
  tags        = local.environment.tags
  sandbox     = local.environment.environment.class == "sandbox"
  redis       = try(local.environment.data.redis, null)
  has_edge    = can(local.environment.edge)
  zones       = [for zone in local.region.zones : tostring(zone)]

  subscription = "/subscriptions/${local.environment.azure.subscription}"
  hub_group    = "${local.subscription}/resourceGroups/${local.hub.resourceGroup}"
  global_group = "${local.subscription}/resourceGroups/${local.environment.global.resourceGroup}"
  registry_id  = "/subscriptions/${local.environment.registry.subscription}/resourceGroups/${local.environment.registry.resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${local.environment.registry.name}"

  # The private DNS zone of each kind of endpoint in the hub of this region.
  dns_zone_ids = {
    for kind, zone in module.dns_zones.names : kind => "${local.subscription}/resourceGroups/${local.hub_region.dnsResourceGroup}/providers/Microsoft.Network/privateDnsZones/${zone}"
  }
}
