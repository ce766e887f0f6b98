#!/usr/bin/env python3
"""Checks infrastructure/terraform. What needs no tool runs always; where OpenTofu or Terraform and the azurerm provider are
at hand (in .tools, or a filesystem mirror named by FAIRLEAD_PROVIDER_MIRROR), every root of every environment is planned by
the real provider against a stub on loopback, and once more as if all were there (second_plan.py); the plans are checked, by checkov
too where it is installed, and the modules' own tests run. Says what it left out.
    run.py [FAIRLEAD]      the program, which renders environments that tests change"""
import pathlib
import sys
import tempfile
import time

import bootstrap_scripts
import breakage_table
import breakages
import checkov_checks
import endpoint_checks
import plan_checks
import refusals
import runner_scripts
import scripts
import second_plan
import source_checks
import stability
import subscription_checks
import unit_tests
from azure_stub import AzureStub
from planner import PlanError, Planner, copy_tree, find_tools, resources

ROOT = pathlib.Path(__file__).resolve().parents[2]


def applies(environment):
    """(root, region or None) of each plan that the environment is made of."""
    for root in environment["roots"]:
        yield from ((root, region) for region in environment["regions"]) if root == "region" else ((root, None),)


def place_of(name, root, region):
    return f"{name}/{root}" + (f"/{region}" if region else "")


def make_plans(planner, rendered, plans):
    """Plans everything, into `plans` by its place."""
    for name, environment in rendered.items():
        for root, region in applies(environment):
            try:
                plans[place_of(name, root, region)] = planner.plan(root, environment=name, **({"region": region} if region else {}))
            except PlanError as error:
                yield f"{place_of(name, root, region)}: {error}"


def check_second_plans(planner, rendered, plans, seconds):
    """Plans everything again, as if it were there, into `seconds`, and checks what it says."""
    for name, environment in rendered.items():
        for root, region in applies(environment):
            place = place_of(name, root, region)
            if place not in plans:
                continue
            variables = {"environment": name, **({"region": region} if region else {})}
            try:
                plan = second_plan.make(planner, plans[place], root, environment["azure"]["subscription"], **variables)
            except PlanError as error:
                yield f"{place}: {error}"
                continue
            seconds[place] = plan
            yield from (f"{place}: a second plan would replace {address}" for address in second_plan.replaced(plan))
            yield from (f"{place}: {what}" for what in plan_checks.check_plan(environment, plan, root, region))
    yield from endpoint_checks.check_all(seconds)
    yield from subscription_checks.check_all(rendered, seconds)


def same_plans(plans, others):
    """Both tools say the same, so that what is true of the plans of one is true of the other's."""
    for place, plan in plans.items():
        mine, theirs = ({a: r["values"] for a, r in resources(p).items()} for p in (plan, others[place]))
        yield from (f"{place}: {address} is not as the other tool plans it" for address in sorted(mine.keys() | theirs.keys())
                    if mine.get(address) != theirs.get(address))


def check_the_checks():
    """What breakages.py does not reach, as it is about several plans."""
    def plan(kind, **values):
        return {"planned_values": {"root_module": {"resources": [{"address": "x", "mode": "managed", "type": kind, "values": values}]}}}
    endpoint = plan("azurerm_private_endpoint", subnet_id="s", private_dns_zone_group=[{"private_dns_zone_ids": ["zone"]}],
                    private_service_connection=[{"private_connection_resource_id": "account", "subresource_names": ["x"], "is_manual_connection": False}])
    if list(endpoint_checks.check_all({"a": endpoint, "b": endpoint})) != ["two private endpoints of account write into zone"]:
        yield "the check of DNS records overlooks two endpoints in one zone"
    if not list(endpoint_checks.check_all({"a": endpoint, "b": plan("azurerm_key_vault", id="vault")})):
        yield "the check of endpoints overlooks a vault that none leads to"
    if second_plan.replaced({"resource_changes": [{"address": "x", "change": {"actions": ["delete", "create"]}}]}) != ["x"]:
        yield "a second plan may replace what is there"
    if not list(same_plans({"a": endpoint}, {"a": plan("azurerm_private_endpoint", subnet_id="t")})):
        yield "the comparison of both tools' plans overlooks a difference"


def with_provider(tool, path, mirror, fairlead, checkov, reference):
    """Findings, and the plans by place. `reference`: those of the tool before, with which what takes long was done."""
    rendered, plans, seconds = source_checks.environments(ROOT), {}, {}
    with tempfile.TemporaryDirectory() as folder, AzureStub(folder) as stub:
        copy_tree(ROOT, folder)
        planner = Planner(path, folder, mirror, stub.environment)
        start = time.monotonic()
        try:
            findings = list(make_plans(planner, rendered, plans))
            if reference:
                findings += same_plans(plans, reference)
            else:
                findings += check_second_plans(planner, rendered, plans, seconds)
                findings += breakages.check(seconds, rendered)
            if checkov:
                findings += checkov_checks.check(checkov, plans, folder)
            findings += refusals.check(planner, pathlib.Path(folder))
            findings += unit_tests.check(planner, pathlib.Path(folder), mutate=not reference)
            if fairlead and not reference:
                findings += stability.check(planner, pathlib.Path(folder), fairlead)
        finally:
            planner.close()
    tried = f"{len(breakage_table.BREAKAGES)} breakages tried" if seconds else "the same as before"
    print(f"terraform: {tool}: {len(plans)} plans of {len(rendered)} environments; {planner.plans} plans and refusals, "
          f"{tried}, in {time.monotonic() - start:.0f} s")
    return [f"{tool}: {finding}" for finding in findings], plans


def main():
    fairlead = sys.argv[1] if len(sys.argv) > 1 else None
    findings = [*check_the_checks(), *source_checks.check_the_checks(), *source_checks.check_sources(ROOT),
                *source_checks.check_names(source_checks.environments(ROOT)), *scripts.check(ROOT), *runner_scripts.check(ROOT),
                *bootstrap_scripts.check(ROOT), *stability.check_the_checks(), *checkov_checks.check_the_checks(),
                *unit_tests.check_the_checks(), *unit_tests.check_sources(ROOT)]
    tools, missing, mirror = find_tools(ROOT)
    checkov = checkov_checks.find(ROOT)
    reference = None  # Both make the same plans: what takes long is done with those of the first.
    for tool, path in tools.items():
        found, plans = with_provider(tool, path, mirror, fairlead, None if reference else checkov, reference)
        findings, reference = findings + found, reference or plans
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
