"""Reads what is checked: the add-ons, the environments, what services render to."""
import functools
import json
import re

import yaml

REGISTRY = "{{ .metadata.annotations.registry }}"


@functools.cache
def parsed(text):
    return [document for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if document]


def documents(path):
    return parsed(path.read_text())


def template(path, namespace):
    """The objects of a chart's template, every branch of its conditions taken, and values left as they are."""
    text = re.sub(r"(?m)^\s*\{\{-.*\}\}\s*$\n?", "", path.read_text())
    text = re.sub(r"\{\{ \.Release\.Namespace \}\}", namespace, text)
    text = re.sub(r"\{\{ \.Values\.registry \}\}", lambda _: REGISTRY, text)
    text = re.sub(r"\{\{ \.Values\.(\w+) \}\}", r"\1", text)
    text = re.sub(r"(?m)^(\s*\S+: )(\{\{.*)$", lambda match: match[1] + json.dumps(match[2]), text)
    return parsed(text)


class Tree:
    """What the checks look at, below `root`."""

    def __init__(self, root):
        self.root = root
        self.platform = root / "infrastructure/platform"
        self.objects = [o for path in sorted(self.platform.glob("*.yaml")) for o in documents(path)]
        self.sets = {o["metadata"]["name"]: o for o in self.objects if o["kind"] == "ApplicationSet"}
        self.edge = [o for path in sorted((self.platform / "edge/templates").glob("*.yaml"))
                     for o in template(path, self.spec("edge")["destination"]["namespace"])]
        self.environments = {path.parent.name: json.loads(path.read_text())
                             for path in sorted((root / "infrastructure/rendered").glob("*/environment.json"))}
        self.foundation = (root / "infrastructure/terraform/foundation/locals.tf").read_text()

    def spec(self, name):
        """What the ApplicationSet makes Applications of."""
        return self.sets[name]["spec"]["template"]["spec"]

    def values(self, name):
        return self.spec(name)["source"]["helm"]["valuesObject"]

    def one(self, kind, name=None, among=None):
        return next(o for o in among or self.objects if o["kind"] == kind and name in (None, o["metadata"]["name"]))

    def cache_rules(self):
        """Repository in the registry -> where it is fetched from."""
        block = re.search(r"(?ms)^  cache_rules = \{\n(.*?)^  \}", self.foundation)[1]
        return dict(re.findall(r'"([^"]+)"\s*=\s*"([^"]+)"', block))

    def copied(self):
        """References in the registry of the images that bootstrap/images copies."""
        lines = [line for line in (self.platform / "images").read_text().splitlines() if not line.startswith("#")]
        return {"docker/" + line.split("@")[0].removeprefix("docker.io/") for line in lines}

    def services(self):
        """(environment, service, objects) of everything that is rendered."""
        for path in sorted((self.root / "infrastructure/rendered").glob("*/*/manifests.yaml")):
            yield path.parent.parent.name, path.parent.name, documents(path)
