resource "azurerm_public_ip" "this" {
  name                = "pip-${var.name}"
  location            = var.location
  resource_group_name = var.resource_group_name
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = length(var.zones) > 0 ? var.zones : null
  tags                = var.tags
}

resource "azurerm_firewall_policy" "this" {
  name                     = var.policy_name
  location                 = var.location
  resource_group_name      = var.resource_group_name
  sku                      = "Standard"
  threat_intelligence_mode = "Deny"
  tags                     = var.tags

  # Rules for host names on other ports than HTTP need the firewall to see the answers.
  dns {
    proxy_enabled = true
  }
}

resource "azurerm_firewall_policy_rule_collection_group" "this" {
  name               = "egress"
  firewall_policy_id = azurerm_firewall_policy.this.id
  priority           = 500

  network_rule_collection {
    name     = "time"
    priority = 100
    action   = "Allow"

    rule {
      name              = "ntp"
      protocols         = ["UDP"]
      source_addresses  = local.clusters
      destination_fqdns = ["ntp.ubuntu.com"]
      destination_ports = ["123"]
    }
  }

  application_rule_collection {
    name     = "aks"
    priority = 200
    action   = "Allow"

    rule {
      name                  = "aks"
      source_addresses      = local.clusters
      destination_fqdn_tags = ["AzureKubernetesService"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    dynamic "rule" {
      for_each = local.aks_hosts

      content {
        name              = rule.key
        source_addresses  = local.clusters
        destination_fqdns = rule.value

        protocols {
          type = "Https"
          port = 443
        }
      }
    }
  }

  dynamic "application_rule_collection" {
    for_each = length(local.runner_hosts) > 0 ? { runners = local.runner_hosts } : {}

    content {
      name     = application_rule_collection.key
      priority = 300
      action   = "Allow"

      dynamic "rule" {
        for_each = application_rule_collection.value

        content {
          name              = rule.key
          source_addresses  = [var.runners_cidr]
          destination_fqdns = rule.value

          protocols {
            type = "Https"
            port = 443
          }
        }
      }
    }
  }

  # What the environment files allow, and what the services' needs name.
  dynamic "application_rule_collection" {
    for_each = length(local.spoke_hosts) > 0 ? { environments = local.spoke_hosts } : {}

    content {
      name     = application_rule_collection.key
      priority = 400
      action   = "Allow"

      dynamic "rule" {
        for_each = application_rule_collection.value

        content {
          name              = rule.key
          source_addresses  = rule.value.ranges
          destination_fqdns = rule.value.allow

          protocols {
            type = "Https"
            port = 443
          }
        }
      }
    }
  }
}

resource "azurerm_firewall" "this" {
  name                = var.name
  location            = var.location
  resource_group_name = var.resource_group_name
  sku_name            = "AZFW_VNet"
  sku_tier            = "Standard"
  firewall_policy_id  = azurerm_firewall_policy.this.id
  zones               = length(var.zones) > 0 ? var.zones : null
  tags                = var.tags

  ip_configuration {
    name                 = "default"
    subnet_id            = var.subnet_id
    public_ip_address_id = azurerm_public_ip.this.id
  }

  lifecycle {
    postcondition {
      condition     = self.ip_configuration[0].private_ip_address == var.expected_ip
      error_message = "The firewall's address is ${self.ip_configuration[0].private_ip_address}, but the spokes' routes lead to ${var.expected_ip}."
    }
  }

  # Traffic that comes before the rules are there would be refused.
  depends_on = [azurerm_firewall_policy_rule_collection_group.this]
}
