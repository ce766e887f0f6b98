# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_cdn_frontdoor_profile" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Cdn/profiles/afd-x" }
  }
}

variables {
  name                = "afd-x"
  endpoint_name       = "shop-x"
  policy_name         = "wafx"
  resource_group_name = "rg"
  tags                = {}
  waf = {
    mode   = "prevention"
    limits = { requestsPerMinute = 600 }
    geo    = { allow = ["DE"], block = [] }
    exclusions = [
      { rule = "942100", in = "argument", name = "q", reason = "search" },
      { rule = "942110", in = "cookie", name = "c", reason = "signed" },
      { rule = "941100", in = "header", name = "h", reason = "signed" },
    ]
  }
}

run "an_argument_is_excluded_in_query_and_body" {
  command = plan

  assert {
    condition = toset(flatten([
      for override in azurerm_cdn_frontdoor_firewall_policy.this.managed_rule[0].override : [
        for rule in override.rule : [for exclusion in rule.exclusion : "${override.rule_group_name} ${rule.rule_id} ${exclusion.match_variable} ${exclusion.selector}"]
      ]
      ])) == toset([
      "SQLI 942100 QueryStringArgNames q", "SQLI 942100 RequestBodyPostArgNames q",
      "SQLI 942110 RequestCookieNames c", "XSS 941100 RequestHeaderNames h",
    ])
    error_message = "The exclusions are not those of the file."
  }
}

run "only_the_named_countries_come_in" {
  command = plan

  assert {
    condition = [
      for rule in azurerm_cdn_frontdoor_firewall_policy.this.custom_rule : rule.match_condition[0].negation_condition if rule.type == "MatchRule"
    ] == [true]
    error_message = "Who is not in the list must be blocked."
  }
}
