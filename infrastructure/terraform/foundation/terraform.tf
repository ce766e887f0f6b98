terraform {
  required_version = ">= 1.12, < 2.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }

  # Account, container and key come from `tools/terraform`, which reads them from environment.json.
  backend "azurerm" {
    use_azuread_auth = true
  }
}

provider "azurerm" {
  subscription_id     = module.environment.value.azure.subscription
  tenant_id           = module.environment.value.azure.tenant
  storage_use_azuread = true

  features {
    # Storage accounts are closed: the provider must not wait for an answer of their data plane.
    storage {
      data_plane_available = false
    }
  }
}
