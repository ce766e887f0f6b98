locals {
  sku = "Premium_AzureFrontDoor" # Managed rules and Private Link need it.

  # Front Door names arguments of query and body apart.
  exclusion_variables = {
    argument = ["QueryStringArgNames", "RequestBodyPostArgNames"]
    cookie   = ["RequestCookieNames"]
    header   = ["RequestHeaderNames"]
  }
  exclusions = flatten([
    for exclusion in var.waf.exclusions : [
      for variable in local.exclusion_variables[exclusion.in] : {
        rule     = exclusion.rule
        group    = local.rule_groups[substr(exclusion.rule, 0, 3)]
        variable = variable
        name     = exclusion.name
      }
    ]
  ])
  overrides = {
    for group in distinct(local.exclusions[*].group) : group => {
      for rule in distinct([for exclusion in local.exclusions : exclusion.rule if exclusion.group == group]) : rule => [
        for exclusion in local.exclusions : exclusion if exclusion.rule == rule
      ]
    }
  }

  # Group of the default rule set by the first three digits of the core rule set's id, which both share.
  rule_groups = {
    "911" = "METHOD-ENFORCEMENT"
    "920" = "PROTOCOL-ENFORCEMENT"
    "921" = "PROTOCOL-ATTACK"
    "930" = "LFI"
    "931" = "RFI"
    "932" = "RCE"
    "933" = "PHP"
    "941" = "XSS"
    "942" = "SQLI"
    "943" = "FIX"
    "944" = "JAVA"
  }

  # A country rule blocks whoever is not in the first list, or is in the second.
  geo = merge(
    length(var.waf.geo.allow) > 0 ? { onlyFrom = { countries = var.waf.geo.allow, negate = true } } : {},
    length(var.waf.geo.block) > 0 ? { notFrom = { countries = var.waf.geo.block, negate = false } } : {},
  )
}

resource "azurerm_cdn_frontdoor_profile" "this" {
  name                     = var.name
  resource_group_name      = var.resource_group_name
  sku_name                 = local.sku
  response_timeout_seconds = 60
  tags                     = var.tags
}

resource "azurerm_cdn_frontdoor_endpoint" "this" {
  name                     = var.endpoint_name
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.this.id
  tags                     = var.tags
}

resource "azurerm_cdn_frontdoor_firewall_policy" "this" {
  name                       = var.policy_name
  resource_group_name        = var.resource_group_name
  sku_name                   = local.sku
  mode                       = title(var.waf.mode)
  request_body_check_enabled = true
  tags                       = var.tags

  custom_rule {
    name                           = "rate"
    priority                       = 100
    type                           = "RateLimitRule"
    action                         = "Block"
    rate_limit_duration_in_minutes = 1
    rate_limit_threshold           = var.waf.limits.requestsPerMinute

    match_condition {
      match_variable     = "SocketAddr"
      operator           = "IPMatch"
      match_values       = ["0.0.0.0/0", "::/0"]
      negation_condition = false
    }
  }

  dynamic "custom_rule" {
    for_each = local.geo

    content {
      name     = custom_rule.key
      priority = 200
      type     = "MatchRule"
      action   = "Block"

      match_condition {
        match_variable     = "SocketAddr"
        operator           = "GeoMatch"
        match_values       = custom_rule.value.countries
        negation_condition = custom_rule.value.negate
      }
    }
  }

  managed_rule {
    type    = "Microsoft_DefaultRuleSet"
    version = "2.1"
    action  = "Block"

    dynamic "override" {
      for_each = local.overrides

      content {
        rule_group_name = override.key

        dynamic "rule" {
          for_each = override.value

          content {
            rule_id = rule.key
            action  = "AnomalyScoring"
            enabled = true

            dynamic "exclusion" {
              for_each = { for exclusion in rule.value : "${exclusion.variable}/${exclusion.name}" => exclusion }

              content {
                match_variable = exclusion.value.variable
                operator       = "Equals"
                selector       = exclusion.value.name
              }
            }
          }
        }
      }
    }
  }

  managed_rule {
    type    = "Microsoft_BotManagerRuleSet"
    version = "1.1"
    action  = "Block"
  }
}
