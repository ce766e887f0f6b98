variable "name" {
  description = "Name of the virtual network."
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

variable "cidr" {
  description = "Address space."
  type        = string
  nullable    = false
}

variable "pods_cidr" {
  description = "Addresses of the cluster's pods, in an overlay network."
  type        = string
  nullable    = false
}

variable "subnets" {
  description = "CIDR block of each subnet."
  type = object({
    nodes              = string
    gateway            = string
    endpoints          = string
    applicationGateway = string
    apiServer          = string
    privateLink        = string
  })
  nullable = false
}

variable "egress" {
  description = "What traffic to the Internet goes through: the hub's firewall by its address, or a NAT gateway here."
  type = object({
    tier        = string
    firewall_ip = string
    zones       = list(string)
  })
  nullable = false

  validation {
    condition     = contains(["firewall", "natGateway"], var.egress.tier)
    error_message = "egress.tier is ${var.egress.tier}; it may be firewall or natGateway."
  }

  # Azure widens a public address in two zones to all three, and every later plan would replace it.
  validation {
    condition     = length(var.egress.zones) != 2
    error_message = "A public address is in no zone, one or three: never in two."
  }
}

variable "hub" {
  description = "The hub's network of this region, and where its runners are, if it has any."
  type = object({
    network_name        = string
    network_id          = string
    resource_group_name = string
    runners_cidr        = optional(string)
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}
