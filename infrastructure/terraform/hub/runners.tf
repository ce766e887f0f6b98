# GitHub's runners: hosted ones cannot reach what is closed. Their identity, the vault of their App's key and what they are
# granted are in the foundation, which is there before them.
locals {
  # By region: the hub's first, where the state's endpoint is. None where the environment file has none.
  runners = {
    for region, network in local.hub.regions : region => merge(local.hub.runners, {
      cidr    = network.subnets.runners
      network = network.network
    }) if region == local.hub.location && can(local.hub.runners)
  }

  foundation_group = "${local.subscription}/resourceGroups/${local.environment.foundation.resourceGroup}"
}

resource "azurerm_subnet" "runners" {
  for_each = local.runners

  name                            = "runners"
  resource_group_name             = azurerm_resource_group.this.name
  virtual_network_name            = azurerm_virtual_network.this[each.key].name
  address_prefixes                = [each.value.cidr]
  default_outbound_access_enabled = false

  delegation {
    name = "container-apps"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

# Nobody calls a runner; Container Apps keeps itself together within the subnet.
resource "azurerm_network_security_group" "runners" {
  for_each = local.runners

  name                = "nsg-${each.value.network}-runners"
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags

  security_rule {
    name                       = "own-subnet"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = each.value.cidr
    destination_port_range     = "*"
    destination_address_prefix = each.value.cidr
  }

  security_rule {
    name                       = "load-balancer"
    priority                   = 110
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = "AzureLoadBalancer"
    destination_port_range     = "30000-32767"
    destination_address_prefix = each.value.cidr
  }

  security_rule {
    name                       = "deny-other-networks"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "VirtualNetwork"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "runners" {
  for_each = local.runners

  subnet_id                 = azurerm_subnet.runners[each.key].id
  network_security_group_id = azurerm_network_security_group.runners[each.key].id
}

resource "azurerm_route_table" "runners" {
  for_each = local.runners

  name                          = "rt-${each.value.network}-runners"
  location                      = each.key
  resource_group_name           = azurerm_resource_group.this.name
  bgp_route_propagation_enabled = false
  tags                          = local.tags

  route {
    name                   = "internet"
    address_prefix         = "0.0.0.0/0"
    next_hop_type          = "VirtualAppliance"
    next_hop_in_ip_address = local.hub.regions[each.key].firewallIp
  }
}

resource "azurerm_subnet_route_table_association" "runners" {
  for_each = local.runners

  subnet_id      = azurerm_subnet.runners[each.key].id
  route_table_id = azurerm_route_table.runners[each.key].id
}

module "runners_vault_endpoint" {
  source   = "../modules/private-endpoint"
  for_each = local.runners

  name                = "pe-${each.value.keyVault}"
  location            = each.key
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = azurerm_subnet.endpoints[each.key].id
  resource_id         = "${local.foundation_group}/providers/Microsoft.KeyVault/vaults/${each.value.keyVault}"
  subresource         = "vault"
  dns_zone_id         = azurerm_private_dns_zone.this["vault/${each.key}"].id
  tags                = local.tags
}

module "runners" {
  source   = "../modules/runners"
  for_each = local.runners

  name                    = each.value.job
  environment_name        = each.value.environment
  location                = each.key
  resource_group_name     = azurerm_resource_group.this.name
  subnet_id               = azurerm_subnet.runners[each.key].id
  zone_redundancy_enabled = length(local.hub.regions[each.key].zones) > 1
  identity_id             = "${local.foundation_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${each.value.identity}"
  registry                = local.environment.registry.loginServer
  image                   = "${local.environment.registry.loginServer}/runner@${each.value.image}"
  max                     = each.value.max
  tags                    = local.tags

  app = {
    id            = each.value.app.id
    installation  = each.value.app.installation
    key_secret_id = "https://${each.value.keyVault}.vault.azure.net/secrets/${each.value.secret}"
  }

  github = {
    organization = each.value.organization
    repository   = each.value.repository
    label        = each.value.label
    group        = each.value.group
  }

  # It pulls its image and reads its key while it is made: by the endpoints and through the firewall.
  depends_on = [
    azurerm_subnet_network_security_group_association.runners,
    azurerm_subnet_route_table_association.runners,
    azurerm_private_dns_zone_virtual_network_link.hub,
    module.firewall,
    module.registry_endpoint,
    module.runners_vault_endpoint,
  ]
}
