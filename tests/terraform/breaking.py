"""Ways to break a plan in one place."""
import re

from planner import resources


def find(plan, what):
    """The first resource of a type, or at the end of an address."""
    pattern = re.compile(rf"(^|\.){re.escape(what)}(\W|$)")
    return next(r for address, r in resources(plan).items() if pattern.search(address))["values"]


def setting(what, *path):
    """A change of one value below the first such resource; the last of `path` is the new value."""
    def change(plan):
        values = find(plan, what)
        for step in path[:-2]:
            values = values[step]
        values[path[-2]] = path[-1]
    return change


def changing(what, change):
    """A change of all values of the first such resource."""
    return lambda plan: change(find(plan, what))


def dropping(what):
    """Takes the resources of a type, or those at the end of an address, out of the plan."""
    pattern = re.compile(rf"(^|\.){re.escape(what)}(\W|$)")

    def walk(module):
        module["resources"] = [r for r in module.get("resources", []) if not pattern.search(r["address"])]
        for child in module.get("child_modules", []):
            walk(child)
    return lambda plan: walk(plan["planned_values"]["root_module"])


def adding(address, **values):
    """Another resource, of the type that the address says."""
    def change(plan):
        plan["planned_values"]["root_module"]["resources"].append(
            {"address": address, "mode": "managed", "type": address.split(".")[0], "name": address.split(".")[1], "values": values})
    return change


def forgetting(address, key):
    """Takes a part of what a resource or module is configured with out of the plan's configuration."""
    def change(plan):
        module = plan["configuration"]["root_module"]
        if address.startswith("module."):
            del module["module_calls"][address.removeprefix("module.")]["expressions"][key]
        else:
            del next(r for r in module["resources"] if r["address"] == address)[key]
    return change
