"""What the add-ons' files must and must not say. Needs no tool and no network."""
import ipaddress
import re

import yaml

from tree import REGISTRY, documents

SERVER = "https://kubernetes.default.svc"
# Upstreams from which Azure's cache rules fetch without credentials.
ANONYMOUS = {"quay.io", "ghcr.io", "public.ecr.aws", "registry.k8s.io", "mcr.microsoft.com"}

MAX_RULE_NAME = 49


def images(value):
    """Every image that values or objects name, with its tag."""
    if isinstance(value, dict):
        if "repository" in value:
            registry = value["registry"] + "/" if "registry" in value else ""
            yield f"{registry}{value['repository']}:{value.get('tag', '')}"
        for key, part in value.items():
            if key == "image" and isinstance(part, str):
                yield part
            else:
                yield from images(part)
    elif isinstance(value, list):
        for part in value:
            yield from images(part)


def wrong_image(image, registry, rules, copied):
    """Why the image cannot be pulled; None when it can."""
    repository, _, tag = image.removeprefix(registry + "/").partition(":")
    tag = tag.partition("@")[0]
    if not image.startswith(registry + "/"):
        return f"{image} does not come from the registry"
    if tag in ("", "latest"):
        return f"{image} has no version"
    if repository not in rules and f"{repository}:{tag}" not in copied:
        return f"{image}: no cache rule brings it, and infrastructure/platform/images does not name it"
    return None


def check_images(tree):
    rules, copied = tree.cache_rules(), tree.copied()
    named = [(name, image) for name in tree.sets for image in images(tree.values(name))]
    named += [("edge", image) for image in images(tree.edge)]
    for name, image in named:
        if why := wrong_image(image, REGISTRY, rules, copied):
            yield f"{name}: {why}"
    yield from (f"images: nothing uses {copy}" for copy in copied if f"{REGISTRY}/{copy}" not in [image for _, image in named])
    for rule, source in rules.items():
        if source.split("/")[0] not in ANONYMOUS:
            yield f"foundation: cache rule {rule}: Azure refuses {source.split('/')[0]} without credentials"
        if len(rule) > MAX_RULE_NAME:
            yield f"foundation: cache rule {rule} has a longer name than Azure's {MAX_RULE_NAME}"


def check_sources(tree):
    """Charts are pinned, allowed by the project, and within reach of Argo CD through the firewall."""
    project = tree.one("AppProject", "platform")
    used = {tree.spec(name)["source"]["repoURL"] for name in tree.sets}
    if used != set(project["spec"]["sourceRepos"]):
        yield f"project: sourceRepos differ from what is used: {sorted(used ^ set(project['spec']['sourceRepos']))}"
    for environment, value in tree.environments.items():
        ours = f"https://github.com/{value['owner']['repository']}.git"
        for name in tree.sets:
            source = tree.spec(name)["source"]
            if source.get("path", "").startswith("infrastructure/"):
                if (source["repoURL"], source["targetRevision"]) != (ours, "main"):
                    yield f"{name}: comes from {source['repoURL']} {source['targetRevision']}, but {environment}'s files are in {ours}"
            elif not re.fullmatch(r"\d+\.\d+\.\d+|[0-9a-f]{40}", source["targetRevision"]):
                yield f"{name}: targetRevision {source['targetRevision']} is not pinned"
        followed = [tree.one("Application", "platform"), *(o for path in sorted((tree.root / "infrastructure/clusters" / environment).glob("*.yaml"))
                                                           for o in documents(path) if o["kind"] == "Application")]
        yield from (f"{environment}: {o['metadata']['name']} comes from {o['spec']['source']['repoURL']}, but its files are in {ours}"
                    for o in followed if o["spec"]["source"]["repoURL"] != ours)
        spoke = tree.environments[value["hub"]["environment"]]["hub"]["spokes"][environment]
        hosts = {repo.removeprefix("https://").split("/")[0] for repo in used}
        if spoke["egressTier"] == "firewall" and not hosts <= set(spoke["allow"]):
            yield f"{environment}: hub.allow lacks {sorted(hosts - set(spoke['allow']))}, where the add-ons' charts are"


def check_namespaces(tree):
    namespaces = {o["metadata"]["name"]: o for o in tree.objects if o["kind"] == "Namespace"}
    for name, namespace in namespaces.items():
        if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"namespace {name}: Pod Security is not restricted"
        denied = [o for o in tree.objects if o["kind"] == "NetworkPolicy" and o["metadata"]["namespace"] == name
                  and o["spec"]["podSelector"] == {} and "ingress" not in o["spec"]]
        if not denied:
            yield f"namespace {name}: nothing denies what no policy admits"
    used = {tree.spec(name)["destination"]["namespace"] for name in tree.sets}
    if used != set(namespaces):
        yield f"namespaces.yaml and where the add-ons go differ: {sorted(used ^ set(namespaces))}"
    project = tree.one("AppProject", "platform")
    allowed = {d["namespace"] for d in project["spec"]["destinations"] if d["server"] == SERVER}
    looked_at = set(tree.values("prometheus")["server"]["namespaces"])
    if allowed != used | looked_at:
        yield f"project: destinations differ from what is used: {sorted(allowed ^ (used | looked_at))}"


def check_applications(tree):
    for name in tree.sets:
        spec = tree.spec(name)
        if tree.sets[name]["spec"].get("goTemplateOptions") != ["missingkey=error"]:
            yield f"{name}: a missing annotation must be an error"
        if not tree.sets[name]["spec"].get("syncPolicy", {}).get("preserveResourcesOnDeletion"):
            yield f"{name}: would take the kinds it brought, and everything of these kinds, away with it"
        if spec["project"] != "platform" or spec["destination"]["server"] != SERVER:
            yield f"{name}: not in the project platform, or for another cluster"
        if spec["syncPolicy"]["retry"]["limit"] != -1:
            yield f"{name}: gives up before what it needs is there"
    root = tree.one("Application", "platform")
    if root["spec"]["source"]["path"] != "infrastructure/platform":
        yield "root.yaml: not this folder"
    for path in (tree.root / "infrastructure/clusters").rglob("*.yaml"):
        if "infrastructure/platform" in path.read_text():
            yield f"{path.relative_to(tree.root)}: the engine follows this folder, and stands in for the add-ons"


def check_identities(tree):
    """The service accounts are those that the root region federates."""
    store = tree.one("ClusterSecretStore", among=tree.edge)["spec"]["provider"]["azurekv"]["serviceAccountRef"]
    accounts = {
        "external-secrets": tree.values("external-secrets")["serviceAccount"]["name"],
        "prometheus": tree.values("prometheus")["serviceAccounts"]["server"]["name"],
    }
    for environment, value in tree.environments.items():
        for name, account in accounts.items():
            subject = (value["identities"][name]["namespace"], value["identities"][name]["serviceAccount"])
            if subject != (tree.spec(name)["destination"]["namespace"], account):
                yield f"{environment}: {name} is not the subject {subject} of its federated credential"
        if (store["namespace"], store["name"]) != tuple(value["identities"]["external-secrets"][k] for k in ("namespace", "serviceAccount")):
            yield f"{environment}: the store reads as {store}, whom nobody federates"


def check_gateway(tree):
    gateway = tree.one("Gateway", among=tree.edge)
    listeners = {listener["name"]: (listener["port"], listener["protocol"]) for listener in gateway["spec"]["listeners"]}
    if listeners != {"https": (443, "HTTPS"), "http": (80, "HTTP")}:
        yield f"gateway: listeners {listeners}"
    secret = tree.one("ExternalSecret", among=tree.edge)
    if gateway["spec"]["listeners"][0]["tls"]["certificateRefs"] != [{"name": secret["spec"]["target"]["name"]}]:
        yield "gateway: its certificate is not the one that External Secrets brings"
    path = tree.one("ClientTrafficPolicy", among=tree.edge)["spec"]["healthCheck"]["path"]
    for file in ("edge/main.tf", "modules/application-gateway/main.tf"):
        asked = set(re.findall(r'path\s*=\s*"(/[^"*]+)"', (tree.root / "infrastructure/terraform" / file).read_text()))
        if asked != {path}:
            yield f"gateway: answers {path}, but {file} asks for {sorted(asked)}"
    for environment, value in tree.environments.items():
        for name, region in value["regions"].items():
            if ipaddress.ip_address(region["gatewayIp"]) not in ipaddress.ip_network(region["subnets"]["gateway"]):
                yield f"{environment}: gatewayIp of {name} is not in the subnet gateway"


def check_routes(tree):
    """Each route leads to the Gateway, for hosts that the edge lets in; each host of the edge is served."""
    gateway = tree.one("Gateway", among=tree.edge)["metadata"]
    selector = tree.one("Gateway", among=tree.edge)["spec"]["listeners"][-1]["allowedRoutes"]["namespaces"]["selector"]
    served = {}
    for environment, service, objects in tree.services():
        for route in (o for o in objects if o["kind"] == "HTTPRoute"):
            place = f"rendered/{environment}/{service}"
            if route["spec"]["parentRefs"] != [{"name": gateway["name"], "namespace": gateway["namespace"]}]:
                yield f"{place}: its route leads to {route['spec']['parentRefs']}"
            if selector["matchLabels"]["kubernetes.io/metadata.name"] != route["metadata"]["namespace"]:
                yield f"{place}: the Gateway takes no routes of namespace {route['metadata']['namespace']}"
            served.setdefault(environment, set()).update(route["spec"]["hostnames"])
    for environment, value in tree.environments.items():
        hosts = set(value["edge"]["hosts"]) if "edge" in value else served.get(environment)
        if served.get(environment) != hosts or not hosts:
            yield f"{environment}: routes serve {sorted(served.get(environment, []))}, edge.hosts are {sorted(hosts or [])}"


PORTS = {"containers": 443, "queues": 443, "secrets": 443, "redis": 10000}
INSIDE = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}


def reached(policy):
    """(ranges, exceptions, ports) of each rule by which pods leave the cluster, and the apps that they may call inside."""
    outside, inside = [], set()
    for rule in policy["spec"]["egress"]:
        blocks = [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]
        inside |= {peer["podSelector"]["matchLabels"].get("app") for peer in rule["to"] if "ipBlock" not in peer and "namespaceSelector" not in peer}
        if blocks:
            outside.append((sorted(block["cidr"] for block in blocks), {e for block in blocks for e in block.get("except", [])},
                            sorted(port["port"] for port in rule["ports"])))
    return outside, inside


def check_access(tree):
    """Who is granted something in Azure can become its identity, and reaches what it is granted; each service what it needs, and no more."""
    for environment, service, objects in tree.services():
        value, place = tree.environments[environment], f"rendered/{environment}/{service}"
        kinds = {kind for kind, grants in value["grants"].items() for grant in grants.values() if grant["identity"] == service}
        account, rollout, policy = (tree.one(kind, among=objects) for kind in ("ServiceAccount", "Rollout", "NetworkPolicy"))
        client = account["metadata"].get("annotations", {}).get("azure.workload.identity/client-id", "")
        label = rollout["spec"]["template"]["metadata"]["labels"].get("azure.workload.identity/use")
        if bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", client)) != bool(kinds) or label != ("true" if kinds else None):
            yield f"{place}: is granted {sorted(kinds)}, but its client id is \"{client}\" and its pods' label {label}"
        subject = (account["metadata"]["namespace"], account["metadata"]["name"], rollout["spec"]["template"]["spec"]["serviceAccountName"])
        identity = value["identities"][service]
        if subject != (identity["namespace"], identity["serviceAccount"], identity["serviceAccount"]):
            yield f"{place}: runs as {subject}, whom nobody federates"
        want, calls = [], set(value["services"][service]["calls"])
        if kinds:
            want.append((sorted(region["subnets"]["endpoints"] for region in value["regions"].values()), set(), sorted({PORTS[kind] for kind in kinds})))
        if kinds or value["services"][service]["egress"]:
            want.append((["0.0.0.0/0"], INSIDE, [443]))
        if reached(policy) != (want, calls):
            yield f"{place}: its pods reach {reached(policy)}, but need {(want, calls)}"


def check_prometheus(tree):
    """The same address and labels as on one machine."""
    values = tree.values("prometheus")
    server = values["server"]
    address = f"http://{server['fullnameOverride']}.{tree.spec('prometheus')['destination']['namespace']}.svc.cluster.local:{server['service']['servicePort']}"
    asked = documents(tree.root / "infrastructure/charts/service/values.yaml")[0]["canary"]["prometheus"]
    if address != asked:
        yield f"prometheus: is {address}, but gates ask {asked}"
    local = tree.one("ConfigMap", among=documents(tree.root / "engine/world/system/prometheus.yaml"))
    local = yaml.safe_load(local["data"]["prometheus.yml"])
    jobs = [job for job in values["scrapeConfigs"].values() if job.get("enabled", True)]
    if [job["relabel_configs"] for job in jobs] != [job["relabel_configs"] for job in local["scrape_configs"]]:
        yield "prometheus: its targets have other labels than on one machine"
    if server["global"]["scrape_interval"] != local["global"]["scrape_interval"]:
        yield "prometheus: looks at other intervals than on one machine"


def check_plugin(tree):
    """The controller loads the plugin that Rollouts name, from where the init container puts it."""
    controller = tree.values("argo-rollouts")["controller"]
    plugin, = controller["trafficRouterPlugins"]
    copy = controller["initContainers"][0]["command"]
    if plugin["location"] != f"file://{copy[2]}{copy[1].rpartition('/')[2]}":
        yield f"argo-rollouts: loads {plugin['location']}, but the init container runs {copy}"
    for environment, service, objects in tree.services():
        for rollout in (o for o in objects if o["kind"] == "Rollout"):
            routing = rollout["spec"]["strategy"]["canary"].get("trafficRouting", {}).get("plugins", {plugin["name"]: None})
            if list(routing) != [plugin["name"]]:
                yield f"rendered/{environment}/{service}: no plugin {list(routing)}"


def check_versions(tree):
    """The controller on AKS is the version whose types and behaviour the engine has."""
    tag = tree.values("argo-rollouts")["controller"]["image"]["tag"]
    reproduced, = re.findall(r"argoproj/argo-rollouts@(v[\w.-]+)", (tree.root / "tools/schema").read_text())
    if tag != reproduced:
        yield f"argo-rollouts: is {tag}, but the engine reproduces {reproduced}"


def check_clusters(tree):
    """Clusters run the same, each from its own rendered files."""
    folder = tree.root / "infrastructure/clusters"
    for environment in tree.environments:
        for path in sorted((folder / "dev").glob("*.yaml")):
            other = folder / environment / path.name
            wanted = re.sub(r"infrastructure/(rendered|clusters)/dev\b", rf"infrastructure/\1/{environment}", path.read_text())
            if not other.is_file() or other.read_text() != wanted:
                yield f"clusters/{environment}/{path.name}: differs from dev's in more than the environment"


CHECKS = [check_images, check_sources, check_namespaces, check_applications, check_identities, check_gateway, check_routes,
          check_access, check_prometheus, check_plugin, check_versions, check_clusters]


def findings(tree):
    for check in CHECKS:
        yield from check(tree)
