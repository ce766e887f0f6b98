"""The modules' own tests (tests/unit.tftest.hcl, with a mocked provider): that they pass, and would not without the modules'
validations. What needs the real provider is in plan_checks."""
import re

from planner import PlanError

MODULES = "infrastructure/terraform/modules"
VALIDATION = re.compile(r"(?ms)^  validation \{\n.*?^  \}\n")


def modules(tree):
    return sorted(path.parent.name for path in (tree / MODULES).glob("*/tests"))


def validations(text):
    """(variable, text of the block) of each validation in a variables.tf."""
    for name, body in re.findall(r'(?ms)^variable "([^"]+)" \{\n(.*?)^\}', text):
        yield from ((name, block) for block in VALIDATION.findall(body))


def check_sources(root):
    """Each validation of a module has a test in which it refuses. Needs no tool."""
    for file in sorted((root / MODULES).glob("*/variables.tf")):
        tests = "".join(path.read_text() for path in sorted(file.parent.glob("tests/*.tftest.hcl")))
        names = [name for name, _ in validations(file.read_text())]
        for name in sorted(set(names)):
            refused = len(re.findall(rf"expect_failures\s*=\s*\[var\.{name}\]", tests))
            if refused < names.count(name):
                yield f"{file.relative_to(root)}: {names.count(name)} validations of {name}, and {refused} tests that it refuses"


def failed(planner, module):
    """What a module's tests say, where one of them fails."""
    try:
        planner.run(f"modules/{module}", "test", "-no-color")
    except PlanError as error:
        return error.said
    return None


def check(planner, tree, mutate):
    """With `mutate`, takes each validation away in its turn: a test must then fail."""
    for module in modules(tree):
        planner.run(f"modules/{module}", "init", "-input=false", "-no-color", "-backend=false")
        said = failed(planner, module)
        if said:
            yield f"tests of the module {module}: {said}"
        file = tree / MODULES / module / "variables.tf"
        text = file.read_text() if file.is_file() else ""
        for name, block in validations(text) if mutate and not said else ():
            file.write_text(text.replace(block, "", 1))
            if not failed(planner, module):
                yield f"tests of the module {module} pass without a validation of {name}: {block}"
            file.write_text(text)


def check_the_checks():
    text = 'variable "x" {\n  type = string\n  validation {\n    condition = a\n  }\n  validation {\n    condition = b\n  }\n}\n'
    if [(name, "b" in block) for name, block in validations(text)] != [("x", False), ("x", True)]:
        yield "the tests of modules overlook a validation"
