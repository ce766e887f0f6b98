#!/usr/bin/env python3
"""Checks infrastructure/terraform. What needs no tool runs always; where OpenTofu or Terraform and the azurerm provider are
at hand (in .tools, or a filesystem mirror named by FAIRLEAD_PROVIDER_MIRROR), every root of every environment is planned by
the real provider against a stub on loopback, the plans are checked, by checkov too where it is installed, and the modules'
own tests run. Says what it left out.
    run.py [FAIRLEAD]      the program, which renders environments that tests change"""
import pathlib
import re
import sys
import tempfile
import time

import breakages
import checkov_checks
import plan_checks
import refusals
import runner_scripts
import scripts
import source_checks
import stability
import unit_tests
from azure_stub import AzureStub
from planner import PlanError, Planner, copy_tree, find_tools, resources

ROOT = pathlib.Path(__file__).resolve().parents[2]


def applies(environment):
    """(root, region or None) of each plan that the environment is made of."""
    for root in environment["roots"]:
        yield from ((root, region) for region in environment["regions"]) if root == "region" else ((root, None),)


def assignable_roles():
    """Roles that the deploy pipelines may give: what their condition in the foundation lists."""
    text = (ROOT / "infrastructure/terraform/foundation/locals.tf").read_text()
    return set(re.findall(r'^\s+"([^"]+)"\s+= "[0-9a-f]{8}-[0-9a-f-]{27}"$', text, re.MULTILINE))


def check_assignable(place, plan):
    """Roots that the pipelines apply assign no role that their condition would refuse."""
    used = {r["values"].get("role_definition_name") for r in resources(plan).values() if r["type"] == "azurerm_role_assignment"}
    yield from (f"{place}: assigns {role}, which the deploy pipeline may not give" for role in used - assignable_roles())


def endpoint_records(plan):
    """(what, DNS zone) of each private endpoint, as far as the plan knows them."""
    for resource in resources(plan).values():
        if resource["type"] == "azurerm_private_endpoint":
            values = resource["values"]
            what = values["private_service_connection"][0].get("private_connection_resource_id")
            for zone in values["private_dns_zone_group"][0].get("private_dns_zone_ids", []):
                if what and zone:
                    yield what, zone


def check_records(name, records):
    """Two endpoints of one thing in one DNS zone would overwrite each other's address."""
    yield from (f"{name}: two private endpoints of {what} write into {zone}"
                for what, zone in {record for record in records if records.count(record) > 1})


def check_plans(planner, rendered, plans):
    """Plans everything, into `plans` by its place."""
    for name, environment in rendered.items():
        records = []
        for root, region in applies(environment):
            place = f"{name}/{root}" + (f"/{region}" if region else "")
            try:
                plan = planner.plan(root, environment=name, **({"region": region} if region else {}))
            except PlanError as error:
                yield f"{place}: {error}"
                continue
            plans[place] = plan
            yield from (f"{place}: {what}" for what in plan_checks.check_plan(environment, plan, root, region))
            records += endpoint_records(plan)
            if root != "foundation":
                yield from check_assignable(place, plan)
        yield from check_records(name, records)


def check_the_checks():
    """What breakages.py does not reach, as it is about several plans or about the sources."""
    def plan(kind, **values):
        return {"planned_values": {"root_module": {"resources": [{"address": "x", "mode": "managed", "type": kind, "values": values}]}}}
    endpoint = plan("azurerm_private_endpoint", private_service_connection=[{"private_connection_resource_id": "account"}],
                    private_dns_zone_group=[{"private_dns_zone_ids": ["zone"]}])
    if list(check_records("x", [*endpoint_records(endpoint)] * 2)) != ["x: two private endpoints of account write into zone"]:
        yield "the check of DNS records overlooks two endpoints in one zone"
    if not list(check_assignable("x", plan("azurerm_role_assignment", role_definition_name="Owner"))):
        yield "the check of roles lets Owner be given"
    if list(check_assignable("x", plan("azurerm_role_assignment", role_definition_name="AcrPull"))):
        yield "the check of roles does not know AcrPull"


def with_provider(tool, path, mirror, fairlead, checkov, thorough):
    rendered = source_checks.environments(ROOT)
    with tempfile.TemporaryDirectory() as folder, AzureStub(folder) as stub:
        copy_tree(ROOT, folder)
        planner = Planner(path, folder, mirror, stub.environment)
        start = time.monotonic()
        try:
            plans = {}
            findings = list(check_plans(planner, rendered, plans))
            if checkov:
                findings += checkov_checks.check(checkov, plans, folder)
            findings += breakages.check(planner, rendered)
            findings += refusals.check(planner, pathlib.Path(folder))
            findings += unit_tests.check(planner, pathlib.Path(folder), mutate=thorough)
            if fairlead:
                findings += stability.check(planner, pathlib.Path(folder), fairlead)
        finally:
            planner.close()
    print(f"terraform: {tool}: {len(plans)} plans of {len(rendered)} environments; {planner.plans} plans and refusals, "
          f"{len(breakages.BREAKAGES)} breakages tried, in {time.monotonic() - start:.0f} s")
    return [f"{tool}: {finding}" for finding in findings]


def main():
    fairlead = sys.argv[1] if len(sys.argv) > 1 else None
    findings = [*check_the_checks(), *source_checks.check_the_checks(), *source_checks.check_sources(ROOT),
                *source_checks.check_names(source_checks.environments(ROOT)), *scripts.check(ROOT), *runner_scripts.check(ROOT),
                *stability.check_the_checks(), *checkov_checks.check_the_checks(),
                *unit_tests.check_the_checks(), *unit_tests.check_sources(ROOT)]
    tools, missing, mirror = find_tools(ROOT)
    checkov = checkov_checks.find(ROOT)
    for tool, path in tools.items():  # Both make the same plans: what takes long is done with those of one.
        first = tool == next(iter(tools))
        findings += with_provider(tool, path, mirror, fairlead, checkov if first else None, thorough=first)
    if not tools:
        print(f"terraform: left out, as {' and '.join(missing)}: plans by the real provider, their checks and refusals")
    elif not fairlead:
        print("terraform: left out, without the program fairlead: what adding a region or a service changes")
    if tools and not checkov:
        print("terraform: left out, as checkov is not installed (tools/install checkov gets it): its checks of the plans")
    print("\n".join(findings) if findings else "terraform: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
