"""Names from a file, short and visible in messages."""

from __future__ import annotations

import re

import pytest

import amalthea
from amalthea.errors import AmaltheaError, ArgumentError, nearest, visible
from tests.saving.archives import with_config

NAMES = {
    "escape": "\x1b[2J\x1b[31mowned",
    "bell": "a\x07",
    "turned": "\u202egnp.exe",
    "unseen": "a\u200bb",
    "long": "x" * 2_000_000,
}


def first(change):
    """A change of the first layer with weights, and its configuration."""
    return lambda config, name: change(config["config"]["layers"][1], name)


SLOTS_OF_NAMES = {
    "a class": first(lambda dense, name: dense.update(class_name=name)),
    "a registered name": first(lambda dense, name: dense.update(registered_name=f"a>{name}")),
    "a module": first(lambda dense, name: dense.update(module=name)),
    "a layer": first(lambda dense, name: dense["config"].update(name=name, units=-1)),
    "an argument": first(lambda dense, name: dense["config"].update({name: 1})),
    "an activation": first(lambda dense, name: dense["config"].update(activation=name)),
    "an initializer": first(lambda dense, name: dense["config"].update(kernel_initializer=name)),
    "a dtype": first(lambda dense, name: dense["config"].update(dtype=name)),
    "a loss": lambda config, name: config["compile_config"].__setitem__("loss", name),
    "a metric": lambda config, name: config["compile_config"].__setitem__("metrics", [name]),
    "an optimizer": lambda config, name: config["compile_config"].__setitem__("optimizer", name),
}  # fmt: skip


@pytest.mark.parametrize("slot", SLOTS_OF_NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_names_from_a_file_are_short_and_visible_in_messages(name, slot, path):
    with_config(path, lambda config: SLOTS_OF_NAMES[slot](config, NAMES[name]))
    with pytest.raises(AmaltheaError) as caught:
        amalthea.saving.load_model(path)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert len(text) < 8000
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)


def test_a_name_with_lines_cannot_look_like_a_line_of_ours():
    assert "\n  try:" not in str(ArgumentError("Layer 'a\n  try:      rm' is wrong.")).splitlines()[0]
    assert len(str(ArgumentError("Layer 'a\n  try:      rm' is wrong.")).splitlines()) == 1
    assert nearest("y" * 1_000_000, ["relu"]) == "one of relu"
    assert visible("plain ä 漢") == "plain ä 漢"
