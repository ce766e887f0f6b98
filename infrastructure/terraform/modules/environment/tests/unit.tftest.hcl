# What an environment may be asked for. Needs no provider.
run "dev_is_read" {
  command = plan
  variables {
    name = "dev"
    root = "foundation"
  }

  assert {
    condition     = output.value.environment.name == "dev"
    error_message = "This is ${output.value.environment.name}."
  }
}

run "a_sandbox_holds_no_foundation" {
  command = plan
  variables {
    name = "sandbox"
    root = "foundation"
  }
  expect_failures = [output.value]
}
