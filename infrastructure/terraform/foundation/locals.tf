locals {
  environment = module.environment.value
  foundation  = local.environment.foundation
  registry    = local.environment.registry
  tags        = local.environment.tags

  subscription   = "/subscriptions/${local.environment.azure.subscription}"
  holds_registry = local.registry.environment == var.environment
  registry_group = "/subscriptions/${local.registry.subscription}/resourceGroups/${local.registry.resourceGroup}"
  registry_id    = "${local.registry_group}/providers/Microsoft.ContainerRegistry/registries/${local.registry.name}"

  # A role of ours for those who put a private endpoint on a registry that another subscription holds. Its id is made from
  # the registry's, so that every foundation knows it.
  registry_endpoint_role = uuidv5("url", "${local.registry_id}/endpoints")

  # The pipelines: one that only reads, for pull requests, and one that applies, behind the environment's approval in GitHub.
  github = {
    for pair in setproduct(local.foundation.environments, ["plan", "deploy"]) : "${pair[0]}-${pair[1]}" => {
      environment = pair[0]
      purpose     = pair[1]
      subject     = "${local.foundation.subject}:${pair[1] == "plan" ? "pull_request" : "environment:${pair[0]}"}"
    }
  }
  deployers = { for name, identity in local.github : name => identity if identity.purpose == "deploy" }

  # Providers of what the roots make. A new subscription has none of them registered.
  resource_providers = toset([
    "Microsoft.App",
    "Microsoft.Cache",
    "Microsoft.Cdn",
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService",
    "Microsoft.DocumentDB",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.PolicyInsights",
    "Microsoft.Security",
    "Microsoft.Storage",
  ])

  # Roles that the deploy pipelines may give and take: what the roots global and region assign, and no other.
  assignable_roles = {
    "AcrPull"                              = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    "Azure Kubernetes Service RBAC Reader" = "7f6c6a51-bcf8-42ba-9220-52d62157d7db"
    "Key Vault Secrets User"               = "4633458b-17de-408a-b874-0445c86b69e6"
    "Managed Identity Operator"            = "f1a07417-d97a-45cb-824c-7a7467783830"
    "Network Contributor"                  = "4d97b98b-1d4f-4787-a291-c67834d212e7"
    "Storage Queue Data Message Processor" = "8a0f0c08-91a1-4084-bc3d-661d67233fed"
    "Storage Queue Data Message Sender"    = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
    "Storage Queue Data Reader"            = "19e7f393-937e-4f77-808e-94535e297925"
  }
  assignable = join(", ", values(local.assignable_roles))
  only_assignable = join(" AND ", [
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${local.assignable}}))",
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${local.assignable}}))",
  ])

  # Upstream images of Argo CD, of the add-ons in infrastructure/platform and of the runners, under the registry's own name.
  # Docker Hub's are not here: Azure refuses a rule for it without credentials. infrastructure/bootstrap/images copies those.
  cache_rules = {
    "quay/argoproj/argocd"                   = "quay.io/argoproj/argocd"
    "quay/argoproj/argo-rollouts"            = "quay.io/argoproj/argo-rollouts"
    "quay/prometheus/prometheus"             = "quay.io/prometheus/prometheus"
    "ecr/docker/library/redis"               = "public.ecr.aws/docker/library/redis"
    "ghcr/actions/actions-runner"            = "ghcr.io/actions/actions-runner"
    "ghcr/dexidp/dex"                        = "ghcr.io/dexidp/dex"
    "ghcr/external-secrets/external-secrets" = "ghcr.io/external-secrets/external-secrets"
    "ghcr/open-telemetry/collector-contrib"  = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib"
    "ghcr/argoproj-labs/rollouts-gatewayapi" = "ghcr.io/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi"
  }
}
