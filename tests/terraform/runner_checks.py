"""The hub's runners: there where the file says so, closed, and with nothing that a pipeline's code could take away."""
from planner import resources


def check_job(values, runners, registry):
    """(what, is, should be) of each fact about the job."""
    image = f"{registry['loginServer']}/runner@{runners['image']}"
    init, main = values["template"][0]["init_container"], values["template"][0]["container"]
    scale = values["event_trigger_config"][0]["scale"][0]
    rule = scale["rules"][0]
    identities = values["identity"][0]["identity_ids"]
    secret_of = {c["name"]: [e["name"] for e in c["env"] or [] if e.get("secret_name")] for c in (*init, *main)}
    yield "images", {c["image"] for c in (*init, *main)}, {image}
    yield "who has a secret", secret_of, {"register": ["APP_KEY"], "runner": []}
    yield "executions", (scale["min_executions"], scale["max_executions"]), (0, runners["max"])
    yield "trigger", rule["custom_rule_type"], "github-runner"
    yield "trigger of", {key: rule["metadata"].get(key) for key in ("owner", "repos", "labels", "applicationID", "installationID")}, {
        "owner": runners["organization"], "repos": runners["repository"], "labels": runners["label"],
        "applicationID": str(runners["app"]["id"]), "installationID": str(runners["app"]["installation"])}
    yield "trigger's key", [a["secret_name"] for a in rule["authentication"]], ["app-key"]
    yield "secrets", [(s["key_vault_secret_id"], s["value"] or None) for s in values["secret"]], [
        (f"https://{runners['keyVault']}.vault.azure.net/secrets/{runners['secret']}", None)]
    yield "identities", [i.rsplit("/", 1)[1] for i in identities], [runners["identity"]]
    yield "who pulls and reads", {values["registry"][0]["identity"], values["secret"][0]["identity"]}, set(identities)
    yield "retries", values["replica_retry_limit"], 0


def check_network(found, hub):
    """(what, is, should be) of where the runners are. What may come in and how they leave is in network_checks.py."""
    by_name = {r["values"].get("name"): r["values"] for r in found.values()}
    yield "subnet", by_name["runners"]["address_prefixes"], [hub["regions"][hub["location"]]["subnets"]["runners"]]
    yield "delegation", by_name["runners"]["delegation"][0]["service_delegation"][0]["name"], "Microsoft.App/environments"


def check_runners(environment, plan, root):
    if root != "hub":
        return
    found, hub = resources(plan), environment["hub"]
    jobs = {a: r["values"] for a, r in found.items() if r["type"] == "azurerm_container_app_job"}
    wanted = [hub["runners"]["job"]] if "runners" in hub else []
    if [values["name"] for values in jobs.values()] != wanted:
        yield f"jobs are {sorted(jobs)}, not {wanted}"
    elif wanted:
        facts = [*check_job(*jobs.values(), hub["runners"], environment["registry"]), *check_network(found, hub)]
        yield from (f"runners: {what}: {have}, not {want}" for what, have, want in facts if have != want)
        if not any(r["type"] == "terraform_data" and r["name"] == "seal" for r in found.values()):
            yield "runners: nothing keeps their containers from the job's identity"
