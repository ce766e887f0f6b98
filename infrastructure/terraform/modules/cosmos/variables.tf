variable "name" {
  description = "Name of the account; unique in Azure."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Azure region."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Resource group of everything here."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}

variable "regions" {
  description = "Regions in the order of failover, the first one writing, and whether each spreads over zones."
  type = list(object({
    location       = string
    zone_redundant = bool
  }))
  nullable = false

  validation {
    condition     = length(var.regions) > 0 && length(distinct(var.regions[*].location)) == length(var.regions)
    error_message = "At least one region, and each once."
  }
}

variable "multiple_writes" {
  description = "Whether every region takes writes. With one writing region, another takes over by itself when it fails."
  type        = bool
  nullable    = false

  # Azure refuses this at apply only.
  validation {
    condition     = !var.multiple_writes || var.consistency != "Strong"
    error_message = "Strong consistency needs a single writing region."
  }
}

variable "consistency" {
  description = "Default consistency level."
  type        = string
  nullable    = false
}

variable "backup_tier" {
  description = "Tier of the continuous backup."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["Continuous7Days", "Continuous30Days"], var.backup_tier)
    error_message = "backup_tier may be Continuous7Days or Continuous30Days."
  }
}

variable "containers" {
  description = "Containers by service/container, each in the database of its service."
  type = map(object({
    database      = string
    name          = string
    partition_key = string
    ttl_seconds   = optional(number)
    mode          = string
    request_units = number
  }))
  nullable = false

  # Azure refuses this at apply only.
  validation {
    condition = alltrue([
      for container in var.containers :
      container.request_units % (container.mode == "autoscale" ? 1000 : 100) == 0
    ])
    error_message = "Autoscale goes in steps of 1000 request units, provisioned throughput in steps of 100."
  }
}

variable "grants" {
  description = "Who may do what with which container: read or write. There are no others."
  type = map(object({
    principal_id = string
    container    = string
    access       = string
  }))
  nullable = false
}
