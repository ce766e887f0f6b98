variable "name" {
  description = "Name of the profile."
  type        = string
  nullable    = false
}

variable "endpoint_name" {
  description = "Name of the endpoint; Azure adds a hash to its host name."
  type        = string
  nullable    = false
}

variable "policy_name" {
  description = "Name of the firewall policy: letters and digits."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Resource group of everything here."
  type        = string
  nullable    = false
}

variable "waf" {
  description = "The web application firewall, as the environment file has it."
  type = object({
    mode   = string
    limits = object({ requestsPerMinute = number })
    geo = object({
      allow = list(string)
      block = list(string)
    })
    exclusions = list(object({
      rule   = string
      in     = string
      name   = string
      reason = string
    }))
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}
