module "environment" {
  source = "../modules/environment"

  name = var.environment
  root = "edge"
}

locals {
  environment = module.environment.value
  edge        = local.environment.edge
  tags        = local.environment.tags

  subscription = "/subscriptions/${local.environment.azure.subscription}"
  global_group = "${local.subscription}/resourceGroups/${local.environment.global.resourceGroup}/providers"
  profile_id   = "${local.global_group}/Microsoft.Cdn/profiles/${local.environment.global.frontDoor}"
  endpoint_id  = "${local.profile_id}/afdEndpoints/${local.environment.global.frontDoorEndpoint}"
  policy_id    = "${local.global_group}/Microsoft.Network/frontDoorWebApplicationFirewallPolicies/${local.environment.global.frontDoorPolicy}"

  gateway_ids = {
    for name, region in local.environment.regions : name =>
    "${local.subscription}/resourceGroups/${region.resourceGroup}/providers/Microsoft.Network/applicationGateways/${region.applicationGateway}"
  }

  # Application Gateway's connections bear this text, by which they are found and approved.
  approval = "${local.environment.global.frontDoor} asks to reach the origin"
}

resource "azurerm_cdn_frontdoor_origin_group" "this" {
  name                     = "regions"
  cdn_frontdoor_profile_id = local.profile_id
  session_affinity_enabled = false

  load_balancing {
    sample_size                 = 4
    successful_samples_required = 3
  }

  health_probe {
    protocol            = "Https"
    path                = "/healthz"
    request_type        = "GET"
    interval_in_seconds = 30
  }
}

# One origin per region, by Private Link to its Application Gateway. The caller's host name goes through; TLS checks that
# the certificate names the origin's host, as Front Door demands with Private Link. Azure wants another host of each origin.
resource "azurerm_cdn_frontdoor_origin" "this" {
  for_each = local.gateway_ids

  name                           = each.key
  cdn_frontdoor_origin_group_id  = azurerm_cdn_frontdoor_origin_group.this.id
  host_name                      = local.environment.regions[each.key].originHost
  certificate_name_check_enabled = true
  http_port                      = 80
  https_port                     = 443
  priority                       = 1
  weight                         = 500

  private_link {
    request_message        = local.approval
    target_type            = "Gateway" # The name of the frontend; see modules/application-gateway.
    location               = local.environment.regions[each.key].privateLinkLocation
    private_link_target_id = each.value
  }
}

# Front Door asks, somebody must agree. Azure has no resource for that: the script approves what bears our text, and finds
# nothing to do the next time.
resource "terraform_data" "approval" {
  for_each = local.gateway_ids

  triggers_replace = [azurerm_cdn_frontdoor_origin.this[each.key].id, each.value]

  provisioner "local-exec" {
    interpreter = ["/bin/bash"]
    command     = "${path.module}/approve"

    environment = {
      GATEWAY_ID = each.value
      MESSAGE    = local.approval
    }
  }
}

# Front Door's own certificate, renewed by Azure.
resource "azurerm_cdn_frontdoor_custom_domain" "this" {
  for_each = toset(local.edge.hosts)

  name                     = replace(each.key, ".", "-")
  cdn_frontdoor_profile_id = local.profile_id
  host_name                = each.key

  tls {
    certificate_type = "ManagedCertificate"
    minimum_version  = "TLS12"
  }
}

resource "azurerm_cdn_frontdoor_route" "this" {
  name                            = "all"
  cdn_frontdoor_endpoint_id       = local.endpoint_id
  cdn_frontdoor_origin_group_id   = azurerm_cdn_frontdoor_origin_group.this.id
  cdn_frontdoor_origin_ids        = values(azurerm_cdn_frontdoor_origin.this)[*].id
  cdn_frontdoor_custom_domain_ids = values(azurerm_cdn_frontdoor_custom_domain.this)[*].id
  patterns_to_match               = ["/*"]
  supported_protocols             = ["Http", "Https"]
  https_redirect_enabled          = true
  forwarding_protocol             = "HttpsOnly"
  link_to_default_domain          = false

  depends_on = [terraform_data.approval]
}

resource "azurerm_cdn_frontdoor_custom_domain_association" "this" {
  for_each = azurerm_cdn_frontdoor_custom_domain.this

  cdn_frontdoor_custom_domain_id = each.value.id
  cdn_frontdoor_route_ids        = [azurerm_cdn_frontdoor_route.this.id]
}

# The firewall stands before every host, and before Azure's own name of the endpoint.
resource "azurerm_cdn_frontdoor_security_policy" "this" {
  name                     = "waf"
  cdn_frontdoor_profile_id = local.profile_id

  security_policies {
    firewall {
      cdn_frontdoor_firewall_policy_id = local.policy_id

      association {
        patterns_to_match = ["/*"]

        domain {
          cdn_frontdoor_domain_id = local.endpoint_id
        }

        dynamic "domain" {
          for_each = azurerm_cdn_frontdoor_custom_domain.this

          content {
            cdn_frontdoor_domain_id = domain.value.id
          }
        }
      }
    }
  }
}
