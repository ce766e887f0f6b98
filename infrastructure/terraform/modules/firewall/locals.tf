locals {
  clusters = sort(flatten([for spoke in var.spokes : spoke.ranges]))

  # What AKS and the add-ons of this platform need, by rule. The tag AzureKubernetesService holds Microsoft's own list of
  # hosts. Images are not here: clusters pull from the registry's private endpoint, which caches what comes from elsewhere.
  aks_hosts = {
    entra    = ["login.microsoftonline.com"]
    defender = ["*.ods.opinsights.azure.com", "*.oms.opinsights.azure.com", "*.cloud.defender.microsoft.com"]
    policy   = ["data.policy.core.windows.net", "store.policy.core.windows.net"]
  }

  # A runner fetches its work, and plans and applies Terraform. GitHub keeps logs, artifacts and caches in storage accounts
  # of names that change. Container Apps needs its own images, and takes tokens of the job's identity.
  runner_hosts = var.runners_cidr == null ? {} : {
    github         = ["github.com", "api.github.com", "codeload.github.com", "*.githubusercontent.com", "*.blob.core.windows.net"]
    azure          = ["management.azure.com", "graph.microsoft.com"]
    entra          = ["login.microsoftonline.com", "*.login.microsoftonline.com", "login.microsoft.com", "*.login.microsoft.com", "*.identity.azure.net"]
    container-apps = ["mcr.microsoft.com", "*.data.mcr.microsoft.com", "packages.aks.azure.com", "acs-mirror.azureedge.net"]
    terraform      = ["registry.opentofu.org", "registry.terraform.io", "releases.hashicorp.com"]
  }

  spoke_hosts = { for name, spoke in var.spokes : name => spoke if length(spoke.allow) > 0 }
}
