# What stands between Front Door and the cluster, where the environment has an edge.
module "certificate_endpoint" {
  source   = "../modules/private-endpoint"
  for_each = local.has_edge ? { "pe-${local.environment.global.keyVault}-${local.region.code}" = true } : {}

  name                = each.key
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = module.spoke.subnet_ids.endpoints
  resource_id         = "${local.global_group}/providers/Microsoft.KeyVault/vaults/${local.environment.global.keyVault}"
  subresource         = "vault"
  dns_zone_id         = local.dns_zone_ids.vault
  tags                = local.tags
}

module "application_gateway" {
  source   = "../modules/application-gateway"
  for_each = local.has_edge ? { (local.region.applicationGateway) = local.environment.edge } : {}

  name                = each.key
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  zones               = local.zones
  tags                = local.tags

  subnet_id              = module.spoke.subnet_ids.applicationGateway
  private_link_subnet_id = module.spoke.subnet_ids.privateLink
  private_ip             = cidrhost(local.region.subnets.applicationGateway, 10)
  gateway_ip             = local.region.gatewayIp
  host                   = each.value.certificate.host
  certificate_secret_id  = "https://${local.environment.global.keyVault}.vault.azure.net/secrets/${local.environment.global.certificate}"
  identity_id            = "${local.global_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${local.environment.global.applicationGatewayIdentity}"
  waf                    = each.value.waf

  # It reads its certificate while it is made: by the private endpoint, whose name must be found.
  depends_on = [module.certificate_endpoint, azurerm_private_dns_zone_virtual_network_link.spoke]
}
