"""Adding a service or a region to the files changes nothing that exists: every resource of the plan before is in the plan
after, at the same address and with the same values, but for those named here. Taking the runners away takes nothing else."""
import json
import re
import subprocess

import breakage_table
import breakages
import plan_checks
import second_plan
from planner import resources

SERVICE = """apiVersion: fairlead.dev/v1
kind: Needs
calls: [catalog]
containers: {orders: {partitionKey: /customer, ttlSeconds: 86400}}
queues: [placed]
secrets: [payment]
redis: true
grants:
  - {container: orders/orders, access: write}
  - {queue: orders/placed, access: send}
  - {queue: orders/placed, access: receive}
"""
REGION = "  westeurope: {zones: [1, 2, 3], cidr: 10.35.16.0/20, hubCidr: 10.35.0.0/22, gatewayIp: 10.35.24.10}\nedge:"

# What may change, by root, when a region comes: it is told of the new one.
TOLD = {
    "global": {"module.cosmos.azurerm_cosmosdb_account.this"},
    "edge": {"azurerm_cdn_frontdoor_route.this"},
}
# What changes when the hub's runners go: who was to let them through.
LET_THROUGH = {
    "hub": {'module.firewall["germanywestcentral"].azurerm_firewall_policy_rule_collection_group.this'},
    "region/germanywestcentral": {f'module.spoke.azurerm_network_security_group.this["{subnet}"]' for subnet in ("apiServer", "endpoints")},
}


def snapshot(planner, environment, regions):
    plans = {root: planner.plan(root, environment=environment) for root in ("hub", "global", "edge")}
    for region in regions:
        plans[f"region/{region}"] = planner.plan("region", environment=environment, region=region)
    return plans


def found_in(plans):
    return {root: resources(plan) for root, plan in plans.items()}


def compare(before, after, may_change, place):
    for root, resources_before in before.items():
        for address, resource in resources_before.items():
            if address not in after[root]:
                yield f"{place}: {root}: {address} is gone"
            elif resource["values"] != after[root][address]["values"] and address not in may_change.get(root, set()):
                yield f"{place}: {root}: {address} changes"


def check_the_checks():
    before = {"root": {"a": {"values": 1}, "b": {"values": 1}}}
    wrong = {"gone": {"root": {"a": {"values": 1}}}, "changes": {"root": {"a": {"values": 1}, "b": {"values": 2}}}}
    for what, after in wrong.items():
        if list(compare(before, after, {}, "x")) != [f"x: root: b {'is gone' if what == 'gone' else 'changes'}"]:
            yield f"the comparison of plans overlooks what {what}"
    runners = {"root": {"x": {"values": 1}, "runners": {"values": 1}}}
    if len(list(compare_without_runners(runners, {"root": {"runners": {"values": 1}}}))) != 2:
        yield "the comparison of plans overlooks what goes with the runners, or that they stay"
    more = {"root": {**before["root"], "c": {"values": 1}}}
    if list(compare(before, more, {}, "x")) or list(compare(before, wrong["changes"], {"root": {"b"}}, "x")):
        yield "the comparison of plans sees what is not there"


def edit(tree, file, old, new):
    path = tree / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def render(tree, fairlead):
    done = subprocess.run([fairlead, "-C", tree, "env", "render"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def compare_without_runners(before, after):
    rest = {root: {a: r for a, r in found.items() if "runners" not in a} for root, found in before.items()}
    yield from compare(rest, after, LET_THROUGH, "no runners")
    yield from (f"no runners: {root}: {address} is still there" for root in after for address in after[root] if "runners" in address)


def check_service(planner, tree, plans):
    """What the service needs is there as it says, and its grants are those and no other. No environment has such a service."""
    environment, seconds = json.loads((tree / "infrastructure/rendered/prod/environment.json").read_text()), {}
    for root, region in (("global", None), ("region", "germanywestcentral")):
        place = root + (f"/{region}" if region else "")
        seconds[f"prod/{place}"] = second_plan.make(planner, plans[place], root, environment["azure"]["subscription"],
                                                    environment="prod", **({"region": region} if region else {}))
        found = plan_checks.check_plan(environment, seconds[f"prod/{place}"], root, region)
        yield from (f"a new service: {place}: {finding}" for finding in found)
    yield from breakages.check(seconds, {"prod": environment}, "prod", breakage_table.SERVICE)


def check(planner, tree, fairlead):
    (tree / ".git").mkdir(exist_ok=True)
    regions = ["germanywestcentral", "swedencentral"]
    first = found_in(snapshot(planner, "prod", regions))

    (tree / "infrastructure/apps/orders").mkdir()
    (tree / "infrastructure/apps/orders/needs.yaml").write_text(SERVICE)
    edit(tree, "infrastructure/environments/prod.yaml", "  catalog: {size: medium}\n",
         "  catalog: {size: medium}\n  orders: {overrides: {containers: {orders: {requestUnits: 8000}}}}\n")
    render(tree, fairlead)
    plans = snapshot(planner, "prod", regions)
    with_service = found_in(plans)
    yield from compare(first, with_service, {}, "a new service")
    yield from check_service(planner, tree, plans)
    new = sum(len(with_service[root].keys() - first[root].keys()) for root in first)

    edit(tree, "infrastructure/environments/prod.yaml", "edge:", REGION)
    render(tree, fairlead)
    with_region = found_in(snapshot(planner, "prod", regions))
    yield from compare(with_service, with_region, TOLD, "a new region")

    before = {**with_region, "foundation": resources(planner.plan("foundation", environment="prod"))}
    file = tree / "infrastructure/environments/prod.yaml"
    file.write_text(re.sub(r"\n  runners: .*", "", file.read_text()))
    render(tree, fairlead)
    after = {**found_in(snapshot(planner, "prod", regions)), "foundation": resources(planner.plan("foundation", environment="prod"))}
    yield from compare_without_runners(before, after)
    print(f"terraform: a new service adds {new} resources, a new region "
          f"{sum(len(with_region[root].keys() - with_service[root].keys()) for root in first)} outside of its own root; "
          f"{sum(map(len, first.values()))} stay as they were")
