variable "name" {
  description = "Environment to read: the name of a file in infrastructure/environments."
  type        = string
  nullable    = false
}

variable "root" {
  description = "Terraform root that asks; refused where the environment does not apply it."
  type        = string
  nullable    = false
}
