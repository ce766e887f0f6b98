locals {
  # Front Door's Private Link wants the frontend's name as its target type, and the provider takes a few words only;
  # this is one of them.
  private_frontend = "Gateway"

  exclusion_variables = {
    argument = "RequestArgNames"
    cookie   = "RequestCookieNames"
    header   = "RequestHeaderNames"
  }
}

resource "azurerm_web_application_firewall_policy" "this" {
  name                = "waf-${var.name}"
  location            = var.location
  resource_group_name = var.resource_group_name
  tags                = var.tags

  policy_settings {
    enabled                     = true
    mode                        = title(var.waf.mode)
    request_body_check          = true
    max_request_body_size_in_kb = 128
    file_upload_limit_in_mb     = 100
    file_upload_enforcement     = true # Left out, the provider switches it off.
  }

  managed_rules {
    managed_rule_set {
      type    = local.rule_set.type
      version = local.rule_set.version
    }

    dynamic "exclusion" {
      for_each = { for exclusion in var.waf.exclusions : "${exclusion.rule}/${exclusion.in}/${exclusion.name}" => exclusion }

      content {
        match_variable          = local.exclusion_variables[exclusion.value.in]
        selector                = exclusion.value.name
        selector_match_operator = "Equals"

        excluded_rule_set {
          type    = local.rule_set.type
          version = local.rule_set.version

          rule_group {
            rule_group_name = local.rule_groups[substr(exclusion.value.rule, 0, 3)]
            excluded_rules  = [exclusion.value.rule]
          }
        }
      }
    }
  }
}

# Private Link works only beside a public frontend. Nothing listens there, which tests/terraform asserts.
resource "azurerm_public_ip" "this" {
  name                = "pip-${var.name}"
  location            = var.location
  resource_group_name = var.resource_group_name
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = length(var.zones) > 0 ? var.zones : null
  tags                = var.tags
}

resource "azurerm_application_gateway" "this" {
  name                = var.name
  location            = var.location
  resource_group_name = var.resource_group_name
  zones               = length(var.zones) > 0 ? var.zones : null
  firewall_policy_id  = azurerm_web_application_firewall_policy.this.id
  http2_enabled       = true
  tags                = var.tags

  sku {
    name = "WAF_v2"
    tier = "WAF_v2"
  }

  autoscale_configuration {
    min_capacity = length(var.zones) > 1 ? 2 : 0
    max_capacity = 10
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity_id]
  }

  gateway_ip_configuration {
    name      = "subnet"
    subnet_id = var.subnet_id
  }

  frontend_ip_configuration {
    name                 = "public-unused"
    public_ip_address_id = azurerm_public_ip.this.id
  }

  frontend_ip_configuration {
    name                            = local.private_frontend
    subnet_id                       = var.subnet_id
    private_ip_address_allocation   = "Static"
    private_ip_address              = var.private_ip
    private_link_configuration_name = "front-door"
  }

  private_link_configuration {
    name = "front-door"

    ip_configuration {
      name                          = "primary"
      subnet_id                     = var.private_link_subnet_id
      private_ip_address_allocation = "Dynamic"
      primary                       = true
    }
  }

  frontend_port {
    name = "https"
    port = 443
  }

  ssl_certificate {
    name                = "origin"
    key_vault_secret_id = var.certificate_secret_id
  }

  ssl_policy {
    policy_type = "Predefined"
    policy_name = "AppGwSslPolicy20220101S"
  }

  # Every host comes in here: Front Door keeps the caller's host name, and the cluster's Gateway routes by it.
  http_listener {
    name                           = "https"
    frontend_ip_configuration_name = local.private_frontend
    frontend_port_name             = "https"
    protocol                       = "Https"
    ssl_certificate_name           = "origin"
  }

  backend_address_pool {
    name         = "cluster-gateway"
    ip_addresses = [var.gateway_ip]
  }

  # The Gateway shows the same certificate, so its host is what TLS checks; the request's own host goes through.
  backend_http_settings {
    name                                 = "cluster-gateway"
    port                                 = 443
    protocol                             = "Https"
    cookie_based_affinity                = "Disabled"
    request_timeout                      = 30
    probe_name                           = "cluster-gateway"
    certificate_chain_validation_enabled = true
    sni_validation_enabled               = true
    sni_name                             = var.host
  }

  probe {
    name                = "cluster-gateway"
    protocol            = "Https"
    host                = var.host
    path                = "/healthz"
    interval            = 10
    timeout             = 5
    unhealthy_threshold = 3
  }

  request_routing_rule {
    name                       = "all"
    priority                   = 100
    rule_type                  = "Basic"
    http_listener_name         = "https"
    backend_address_pool_name  = "cluster-gateway"
    backend_http_settings_name = "cluster-gateway"
  }
}
