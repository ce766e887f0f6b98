"""checkov's opinion of the plans. What is known better is in checkov_skips.json: a check, a pattern of the plan and resource
where it may fail, and the reason. A skip that nothing needs is an error, so the list cannot outgrow the plans."""
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess

from planner import resources

SKIPS = pathlib.Path(__file__).parent / "checkov_skips.json"
TIMEOUT_SECONDS = 600
# A plan that is wrong, so that checkov is known to look.
BROKEN, BROKEN_CHECK = "broken", "CKV_AZURE_141"


def find(root):
    return shutil.which("checkov", path=f"{root / '.tools'}{os.pathsep}{os.environ['PATH']}")


def break_plan(plan):
    """A cluster with local accounts."""
    broken = copy.deepcopy(plan)
    for resource in resources(broken).values():
        if resource["type"] == "azurerm_kubernetes_cluster":
            resource["values"]["local_account_disabled"] = False
    return broken


def failures(report):
    """(check, its name, "plan resource") of each failed check, of a report about one framework or several."""
    for part in report if isinstance(report, list) else [report]:
        for failed in part.get("results", {}).get("failed_checks", []):
            place = pathlib.Path(failed["file_path"]).stem.replace("_", "/")
            yield failed["check_id"], failed["check_name"], f"{place} {failed['resource']}"


def judge(failed, skips):
    used = set()
    for check, name, where in sorted(set(failed)):
        fitting = [i for i, skip in enumerate(skips) if skip["check"] == check and re.fullmatch(skip["where"], where)]
        used.update(fitting)
        if not fitting:
            yield f"checkov: {check}: {where}: {name}"
    for i, skip in enumerate(skips):
        if i not in used:
            yield f"checkov_skips.json: {skip['check']}: nothing that fails is {skip['where']}"
        if not skip.get("reason"):
            yield f"checkov_skips.json: {skip['check']} has no reason"


def check(checkov, plans, folder):
    """`plans`: JSON of each plan by its place, such as dev/region/westeurope."""
    folder = pathlib.Path(folder) / "checkov"
    folder.mkdir()
    region = next(plan for place, plan in plans.items() if "/region/" in place)
    for place, plan in {**plans, BROKEN: break_plan(region)}.items():
        (folder / (place.replace("/", "_") + ".json")).write_text(json.dumps(plan))
    done = subprocess.run([checkov, "--directory", folder, "--framework", "terraform_plan", "--output", "json", "--quiet",
                           "--compact", "--skip-download"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    try:
        failed = list(failures(json.loads(done.stdout)))
    except json.JSONDecodeError:
        yield f"checkov gave no report: {done.stderr[-2000:]}"
        return
    shutil.rmtree(folder)
    if BROKEN_CHECK not in {check for check, _, where in failed if where.startswith(BROKEN)}:
        yield f"checkov overlooks a plan that is wrong: {BROKEN_CHECK}"
    skips = json.loads(SKIPS.read_text())
    yield from judge([f for f in failed if not f[2].startswith(BROKEN)], skips)
    print(f"terraform: checkov: {len(failed)} of its findings in {len(plans)} plans, {len(skips)} skips with a reason")


def check_the_checks():
    report = [{"results": {"failed_checks": [{"check_id": "A", "check_name": "a", "file_path": "/dev_hub.json", "resource": "x"},
                                             {"check_id": "A", "check_name": "a", "file_path": "/dev_hub.json", "resource": "y"}]}}]
    found = list(judge(failures(report), [{"check": "A", "where": "dev/hub x", "reason": "r"}, {"check": "B", "where": ".*", "reason": "r"},
                                          {"check": "A", "where": ".* x"}]))
    if found != ["checkov: A: dev/hub y: a", "checkov_skips.json: B: nothing that fails is .*", "checkov_skips.json: A has no reason"]:
        yield f"the judgement of checkov's report is {found}"
