variable "identities" {
  description = "User-assigned identities by name: id, and the Kubernetes service account that may become it."
  type = map(object({
    id              = string
    namespace       = string
    service_account = string
  }))
  nullable = false
}

variable "issuer" {
  description = "OIDC issuer of the cluster."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of each credential: the cluster's, so that every region's stands beside the others."
  type        = string
  nullable    = false
}
