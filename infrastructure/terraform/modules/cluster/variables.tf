variable "name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Azure region."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Resource group of the cluster."
  type        = string
  nullable    = false
}

variable "node_resource_group_name" {
  description = "Resource group that AKS makes for its nodes."
  type        = string
  nullable    = false
}

variable "tenant_id" {
  description = "Entra tenant."
  type        = string
  nullable    = false
}

variable "admin_group_ids" {
  description = "Entra groups that administer the cluster."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_group_ids) > 0
    error_message = "Local accounts are off: without an admin group nobody could administer the cluster."
  }
}

variable "kubernetes_version" {
  description = "Minor version; AKS picks the patch."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]+$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version such as 1.36: the upgrade channel patch moves the rest."
  }
}

variable "tier" {
  description = "Tier of the control plane."
  type        = string
  nullable    = false
}

variable "cost_analysis_enabled" {
  description = "Whether AKS adds namespaces to Azure's cost analysis."
  type        = bool
  nullable    = false

  # Azure refuses this at apply only.
  validation {
    condition     = !var.cost_analysis_enabled || var.tier != "Free"
    error_message = "Cost analysis needs the tier Standard or Premium."
  }
}

variable "autoscaler" {
  description = "Profile of the cluster autoscaler: aggressive or conservative."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["aggressive", "conservative"], var.autoscaler)
    error_message = "autoscaler is ${var.autoscaler}; it may be aggressive or conservative."
  }
}

variable "upgrades" {
  description = "What AKS upgrades by itself: Kubernetes (patch, none) and node images (NodeImage, SecurityPatch, None)."
  type = object({
    cluster = string
    nodes   = string
  })
  nullable = false
}

variable "maintenance" {
  description = "When it may do so, in UTC."
  type = object({
    day   = string
    start = string
    hours = number
  })
  nullable = false
}

variable "network" {
  description = "Ranges of pods and Services, the address of the cluster's DNS, how traffic leaves, and the delegated subnet."
  type = object({
    pods                 = string
    services             = string
    dns                  = string
    data_plane           = optional(string, "cilium")
    plugin               = optional(string, "azure")
    outbound_type        = string
    api_server_subnet_id = string
    node_subnet_id       = string
    network_id           = string
  })
  nullable = false

  # Azure refuses both at apply only.
  validation {
    condition     = var.network.data_plane != "cilium" || var.network.plugin == "azure"
    error_message = "Cilium's data plane needs the network plugin azure in overlay mode, not ${var.network.plugin}."
  }
}

variable "system_pool" {
  description = "The pool for what the cluster itself needs."
  type = object({
    size      = string
    min       = number
    max       = number
    priority  = optional(string, "Regular")
    max_surge = optional(string)
    disk_gb   = optional(number)
    labels    = optional(map(string), {})
    zones     = optional(set(string), [])
  })
  nullable = false

  validation {
    condition     = var.system_pool.priority == "Regular"
    error_message = "The system pool cannot be Spot: the cluster would go with its nodes."
  }
}

variable "registry_id" {
  description = "Registry that nodes pull from."
  type        = string
  nullable    = false
}

variable "log_workspace_id" {
  description = "Log Analytics workspace that Defender writes to."
  type        = string
  nullable    = false
}

variable "run_command_enabled" {
  description = "Whether `az aks command invoke` works; infrastructure/bootstrap uses it."
  type        = bool
  nullable    = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}
