variable "name" {
  description = "Name of the job."
  type        = string
  nullable    = false
}

variable "environment_name" {
  description = "Name of the Container Apps environment that the job runs in."
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

variable "subnet_id" {
  description = "Subnet of the hub, delegated to Microsoft.App/environments."
  type        = string
  nullable    = false
}

variable "zone_redundancy_enabled" {
  description = "Whether the environment is spread over the region's zones."
  type        = bool
  nullable    = false
}

variable "identity_id" {
  description = "Identity that pulls the image and reads the App's key; no container may become it."
  type        = string
  nullable    = false
}

variable "registry" {
  description = "Host name of the registry."
  type        = string
  nullable    = false
}

variable "image" {
  description = "Image of the runner, by digest."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image must end in its digest: what a pipeline runs in must not change under it."
  }
}

variable "app" {
  description = "The GitHub App that registers runners: its id, its installation's, and the Key Vault secret that holds its private key."
  type = object({
    id            = number
    installation  = number
    key_secret_id = string
  })
  nullable = false

  validation {
    condition     = can(regex("^https://[a-z0-9-]+\\.vault\\.azure\\.net/secrets/[A-Za-z0-9-]+$", var.app.key_secret_id))
    error_message = "app.key_secret_id must be a Key Vault secret without version, so that a new key is taken without an apply."
  }
}

variable "github" {
  description = "Whose jobs are run: organization, repository, and the label that a job asks for; and the runner group's id."
  type = object({
    organization = string
    repository   = string
    label        = string
    group        = number
  })
  nullable = false
}

variable "max" {
  description = "Most runners at a time."
  type        = number
  nullable    = false
}

variable "cpu" {
  description = "Cores of a runner; it has 2 GiB of memory for each."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = contains([0.5, 1, 2, 3], var.cpu)
    error_message = "cpu may be 0.5, 1, 2 or 3: the Consumption profile has 4 cores at most, and the init container takes its part."
  }
}

variable "timeout_seconds" {
  description = "How long a runner may live, with its wait for a job."
  type        = number
  default     = 7200
  nullable    = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}
