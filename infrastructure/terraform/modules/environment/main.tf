# The one way in which Terraform learns about an environment: the file that `fairlead env render` wrote and validated.
locals {
  repository = "${path.module}/../../../.."
  value      = jsondecode(file("${local.repository}/infrastructure/rendered/${var.name}/environment.json"))

  stale = [
    for source, hash in local.value.sources : source
    if try(filesha256("${local.repository}/${source}"), "") != hash
  ]
}
