# The one way in which Terraform learns about an environment: the file that `fairlead env render` wrote and validated.
locals {
  repository = "${path.module}/../../../.."
  value      = jsondecode(file("${local.repository}/infrastructure/rendered/${var.name}/environment.json"))

  # Of a file its content, of a pattern the names of the files: another environment may share the hub.
  found = {
    for source in keys(local.value.sources) : source => strcontains(source, "*") ? sha256(join("\n", sort([
      for file in fileset("${local.repository}/${dirname(source)}", basename(source)) : trimsuffix(file, ".yaml")
    ]))) : try(filesha256("${local.repository}/${source}"), "")
  }
  stale = [for source, hash in local.value.sources : source if local.found[source] != hash]
}
