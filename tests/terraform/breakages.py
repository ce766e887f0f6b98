"""Breaks a real plan in one place after the other: the check that is meant for it must say so, or it checks nothing. What is
broken is in breakage_table.py."""
import copy

import breakage_table
import plan_checks
import subscription_checks


def look(environment, plans, place, plan):
    root, region = (place.split("/") + [None, None])[1:3]
    yield from plan_checks.check_plan(environment, plan, root, region)
    if root == "foundation":
        yield from subscription_checks.check_all({environment["environment"]["name"]: environment}, {**plans, place: plan})


def check(plans, rendered, name="dev", table=breakage_table.BREAKAGES):
    """`plans`: second plans by place."""
    environment = rendered[name]
    own = {place: plan for place, plan in plans.items() if place.startswith(f"{name}/")}
    places = {place.split("/")[1]: place for place in own}
    for number, (root, change, expected) in enumerate(table, 1):
        plan = copy.deepcopy(own[places[root]])
        try:
            change(plan)
            found = list(look(environment, own, places[root], plan))
        except StopIteration:
            found = ["there is nothing to break"]
        if not any(expected in finding for finding in found):
            yield f"breakage {number} of {root}, which should say \"{expected}\", gives {found}"
