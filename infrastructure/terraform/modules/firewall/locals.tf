locals {
  clusters = sort(flatten([for spoke in var.spokes : spoke.ranges]))

  # What AKS and the add-ons of this platform need, by rule. The tag AzureKubernetesService holds Microsoft's own list of
  # hosts. Images are not here: clusters pull from the registry's private endpoint, which caches what comes from elsewhere.
  aks_hosts = {
    entra    = ["login.microsoftonline.com"]
    defender = ["*.ods.opinsights.azure.com", "*.oms.opinsights.azure.com", "*.cloud.defender.microsoft.com"]
    policy   = ["data.policy.core.windows.net", "store.policy.core.windows.net"]
  }

  # A runner fetches its work, and plans and applies Terraform.
  runner_hosts = {
    github    = ["github.com", "api.github.com", "*.actions.githubusercontent.com", "*.githubusercontent.com"]
    azure     = ["management.azure.com", "login.microsoftonline.com", "graph.microsoft.com"]
    terraform = ["registry.opentofu.org", "registry.terraform.io", "releases.hashicorp.com"]
  }

  spoke_hosts = { for name, spoke in var.spokes : name => spoke if length(spoke.allow) > 0 }
}
