"""Every public name is documented to one standard: a summary, each parameter, shapes, and an example that runs.

The examples themselves run as doctests.
"""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

import pytest

import amalthea
from amalthea import docstrings, layers, losses, metrics, models

ROOMS = (
    "activations callbacks constraints dtype_policies initializers layers losses metrics models ops optimizers "
    "optimizers.schedules random regularizers backend config data distribution saving tree utils applications "
    "applications.imagenet_utils applications.densenet applications.mobilenet applications.vgg16 "
    "applications.convnext distillation wrappers"
).split()
WITH_METHODS = (models.Model, models.Sequential, layers.Layer)
SECTIONS = ("Args:", "Shapes:", "Returns:", "Raises:", "Example:", "Source:")


def room(name: str) -> Any:
    found = amalthea
    for part in name.split("."):
        found = getattr(found, part)
    return found


def public_names():
    """Every public class and function of the rooms, once, then the methods that a user of a model calls."""
    seen = set()
    for name in ROOMS:
        module = room(name)
        for word in getattr(module, "__all__", None) or [w for w in vars(module) if not w.startswith("_")]:
            thing = getattr(module, word)
            ours = callable(thing) and getattr(thing, "__module__", "").startswith("amalthea.")
            if ours and id(thing) not in seen:
                seen.add(id(thing))
                yield pytest.param(thing, id=f"{name}.{word}")
    for cls in WITH_METHODS:
        for base in cls.__mro__:
            for word, thing in vars(base).items():
                method = getattr(thing, "__func__", thing)
                if not word.startswith("_") and inspect.isfunction(method) and id(method) not in seen:
                    seen.add(id(method))
                    if base.__module__.startswith("amalthea."):
                        yield pytest.param(method, id=f"{cls.__name__}.{word}")


PUBLIC = list(public_names())


def parameters(thing: Any) -> list[inspect.Parameter]:
    """Those that a caller gives."""
    if inspect.isclass(thing):
        if thing.__init__ is object.__init__:
            return []
        given = list(inspect.signature(thing.__init__).parameters.values())[1:]
    else:
        given = list(inspect.signature(thing).parameters.values())
        given = given[1:] if given and given[0].name in ("self", "cls") else given
    return [p for p in given if not p.name.startswith("_")]


def section(doc: str, title: str) -> str:
    """The lines of one section."""
    lines = inspect.cleandoc(doc).splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(title)]
    if not starts:
        return ""
    rest = itertools.takewhile(lambda line: not line or line.startswith(" "), lines[starts[0] + 1 :])
    return "\n".join([lines[starts[0]], *rest])


def documented(doc: str) -> set[str]:
    """Names of parameters that the Args section describes; ``a, b: text`` describes both."""
    heads = re.findall(r"^    ([\w*, ]+):(?: |$)", section(doc, "Args:"), re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def takes_tensors(thing: Any) -> bool:
    if inspect.isclass(thing):
        return issubclass(thing, (layers.Layer, losses.Loss, metrics.Metric))
    return any("TensorLike" in str(p.annotation) for p in parameters(thing))


@pytest.mark.parametrize("thing", PUBLIC)
def test_a_docstring_begins_with_one_sentence(thing):
    doc = inspect.cleandoc(thing.__doc__ or "")
    summary = doc.split("\n\n")[0]
    assert summary and summary[0].isupper() or summary.startswith("``"), summary
    assert summary.rstrip().endswith((".", ":")), summary


@pytest.mark.parametrize("thing", PUBLIC)
def test_each_parameter_is_described(thing):
    wanted = {p.name for p in parameters(thing)}
    assert wanted - documented(thing.__doc__ or "") == set()


@pytest.mark.parametrize("thing", PUBLIC)
def test_no_parameter_is_described_that_there_is_not(thing):
    given = parameters(thing)
    if not any(p.kind is p.VAR_KEYWORD for p in given):
        assert documented(thing.__doc__ or "") - {p.name for p in given} == set()


@pytest.mark.parametrize("thing", PUBLIC)
def test_shapes_are_told_where_tensors_pass(thing):
    assert not takes_tensors(thing) or re.search(r"\(.*\)|any shape", section(thing.__doc__ or "", "Shapes:"))


@pytest.mark.parametrize("thing", PUBLIC)
def test_an_example_goes_from_an_import_to_a_visible_result(thing):
    example = section(thing.__doc__ or "", "Example:")
    assert re.search(r"^ *>>> (from|import) ", example, re.MULTILINE), "no import"
    assert re.search(r"^ +(?!>>>|\.\.\.)\S", example.partition("\n")[2], re.MULTILINE), "no result"


@pytest.mark.parametrize("thing", PUBLIC)
def test_sections_come_in_one_order_and_every_shared_text_was_filled_in(thing):
    doc = inspect.cleandoc(thing.__doc__ or "")
    found = [line.split(":")[0] + ":" for line in doc.splitlines() if line.startswith(SECTIONS)]
    assert found == sorted(found, key=SECTIONS.index)
    assert not re.search(r"^ *\|[a-z_ ]+\|$", doc, re.MULTILINE)


def test_a_shared_text_stands_where_its_name_stood():
    docstrings.share("of a test", "first: int, elements.\nsecond: float, seconds.")

    class Documented:
        """Summary.

        Args:
            |of a test|
            third: str; a | b.
        """

    doc = docstrings.fill(Documented).__doc__ or ""
    assert documented(doc) == {"first", "second", "third"}
    assert "|of" not in doc and "a | b" in doc
