variable "name" {
  description = "Name of the gateway."
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

variable "zones" {
  description = "Availability zones; none where the region has none."
  type        = set(string)
  nullable    = false

  # Azure widens a public address in two zones to all three, and every later plan would replace it.
  validation {
    condition     = length(var.zones) != 2
    error_message = "A public address is in no zone, one or three: never in two."
  }
}

variable "subnet_id" {
  description = "Subnet of the gateway's instances."
  type        = string
  nullable    = false
}

variable "private_link_subnet_id" {
  description = "Subnet that Private Link takes its addresses from."
  type        = string
  nullable    = false
}

variable "gateway_ip" {
  description = "Address of the cluster's Gateway."
  type        = string
  nullable    = false
}

variable "host" {
  description = "Host name that the certificate of gateway and origin bears."
  type        = string
  nullable    = false
}

variable "certificate_secret_id" {
  description = "Key Vault secret of that certificate, without version: the gateway looks for a new one by itself."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[^/]+/secrets/[^/]+$", var.certificate_secret_id))
    error_message = "certificate_secret_id must be a secret's id without version, or a renewed certificate would never be taken."
  }
}

variable "identity_id" {
  description = "User-assigned identity that may read that secret."
  type        = string
  nullable    = false
}

variable "waf" {
  description = "The web application firewall, as the environment file has it."
  type = object({
    mode = string
    exclusions = list(object({
      rule   = string
      in     = string
      name   = string
      reason = string
    }))
  })
  nullable = false
}

variable "private_ip" {
  description = "Address of the frontend that Private Link leads to, in the gateway's subnet."
  type        = string
  nullable    = false
}
