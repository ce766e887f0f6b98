module "environment" {
  source = "../modules/environment"

  name = var.environment
  root = "hub"
}

module "dns_zones" {
  source = "../modules/dns-zones"
}

locals {
  environment = module.environment.value
  hub         = local.environment.hub
  tags        = local.environment.tags

  # Those whose traffic goes through the firewall, by the region of the hub.
  firewalled = {
    for region in keys(local.hub.regions) : region => {
      for name, spoke in local.hub.spokes : name => {
        ranges = [spoke.ranges[region]]
        allow  = spoke.allow
      } if spoke.egressTier == "firewall" && contains(keys(spoke.ranges), region)
    }
  }

  dns_zones = {
    for pair in setproduct(keys(module.dns_zones.names), keys(local.hub.regions)) : "${pair[0]}/${pair[1]}" => {
      zone   = module.dns_zones.names[pair[0]]
      region = pair[1]
    }
  }

  subscription  = "/subscriptions/${local.environment.azure.subscription}"
  registry_id   = "/subscriptions/${local.environment.registry.subscription}/resourceGroups/${local.environment.registry.resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${local.environment.registry.name}"
  state_account = "${local.subscription}/resourceGroups/${local.environment.foundation.resourceGroup}/providers/Microsoft.Storage/storageAccounts/${local.environment.foundation.stateAccount}"
}

resource "azurerm_resource_group" "this" {
  name     = local.hub.resourceGroup
  location = local.hub.location
  tags     = local.tags
}

resource "azurerm_virtual_network" "this" {
  for_each = local.hub.regions

  name                = each.value.network
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  address_space       = [each.value.cidr]
  tags                = local.tags
}

# Azure wants this name.
resource "azurerm_subnet" "firewall" {
  for_each = local.hub.firewall ? local.hub.regions : {}

  name                            = "AzureFirewallSubnet"
  resource_group_name             = azurerm_resource_group.this.name
  virtual_network_name            = azurerm_virtual_network.this[each.key].name
  address_prefixes                = [each.value.subnets.firewall]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet" "endpoints" {
  for_each = local.hub.regions

  name                              = "endpoints"
  resource_group_name               = azurerm_resource_group.this.name
  virtual_network_name              = azurerm_virtual_network.this[each.key].name
  address_prefixes                  = [each.value.subnets.endpoints]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "Enabled"
}

# The registry and the state answer on these addresses: to every spoke's nodes, and to the runners.
resource "azurerm_network_security_group" "endpoints" {
  for_each = local.hub.regions

  name                = "nsg-${each.value.network}-endpoints"
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags

  security_rule {
    name                       = "networks"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = "VirtualNetwork"
    destination_port_range     = "443"
    destination_address_prefix = "*"
  }

  security_rule {
    name                       = "deny-the-rest"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "endpoints" {
  for_each = local.hub.regions

  subnet_id                 = azurerm_subnet.endpoints[each.key].id
  network_security_group_id = azurerm_network_security_group.endpoints[each.key].id
}

module "firewall" {
  source   = "../modules/firewall"
  for_each = local.hub.firewall ? local.hub.regions : {}

  name                = each.value.firewall
  policy_name         = each.value.firewallPolicy
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = azurerm_subnet.firewall[each.key].id
  expected_ip         = each.value.firewallIp
  zones               = [for zone in each.value.zones : tostring(zone)]
  runners_cidr        = try(local.runners[each.key].cidr, null)
  spokes              = local.firewalled[each.key]
  tags                = local.tags
}

# Private DNS: a zone per kind of endpoint and region, in a group of each region, since zones have one name. With one zone
# for all regions, the endpoints that Cosmos DB has in each would overwrite each other's address.
resource "azurerm_resource_group" "dns" {
  for_each = local.hub.regions

  name     = each.value.dnsResourceGroup
  location = each.key
  tags     = local.tags
}

resource "azurerm_private_dns_zone" "this" {
  for_each = local.dns_zones

  name                = each.value.zone
  resource_group_name = azurerm_resource_group.dns[each.value.region].name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "hub" {
  for_each = local.dns_zones

  name                 = local.hub.regions[each.value.region].network
  private_dns_zone_id  = azurerm_private_dns_zone.this[each.key].id
  virtual_network_id   = azurerm_virtual_network.this[each.value.region].id
  registration_enabled = false
  resolution_policy    = "NxDomainRedirect" # Others' endpoints have names in such a zone, too: those are asked of the Internet.
  tags                 = local.tags
}

# The closed doors of the foundation, opened towards this hub: the registry that images come from, and the state.
module "registry_endpoint" {
  source   = "../modules/private-endpoint"
  for_each = local.hub.regions

  name                = "pe-${local.environment.registry.name}-${each.value.network}"
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = azurerm_subnet.endpoints[each.key].id
  resource_id         = local.registry_id
  subresource         = "registry"
  dns_zone_id         = azurerm_private_dns_zone.this["registry/${each.key}"].id
  tags                = local.tags
}

module "state_endpoint" {
  source = "../modules/private-endpoint"

  name                = "pe-${local.environment.foundation.stateAccount}"
  location            = local.hub.location
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = azurerm_subnet.endpoints[local.hub.location].id
  resource_id         = local.state_account
  subresource         = "blob"
  dns_zone_id         = azurerm_private_dns_zone.this["blob/${local.hub.location}"].id
  tags                = local.tags
}
