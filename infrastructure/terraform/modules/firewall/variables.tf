variable "name" {
  description = "Name of the firewall."
  type        = string
  nullable    = false
}

variable "policy_name" {
  description = "Name of its policy."
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
  description = "The subnet AzureFirewallSubnet."
  type        = string
  nullable    = false
}

variable "expected_ip" {
  description = "Address that the spokes' routes lead to: the first one of the subnet that Azure gives."
  type        = string
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

variable "runners_cidr" {
  description = "Where the GitHub runners are; null where there are none."
  type        = string
  nullable    = true
}

variable "spokes" {
  description = "What each environment's clusters may call: their ranges, and host names besides what AKS needs."
  type = map(object({
    ranges = list(string)
    allow  = list(string)
  }))
  nullable = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}
