"""Every layer on every target that is installed: exported, executed by the target's runtime, compared."""

from __future__ import annotations

import pytest

from amalthea.export.targets import TARGETS
from tests.export.gaps import GAPS
from tests.export.layers_tried import HERE, RECORDS, tried

CLOSE = 2e-5  # of the largest output: float32 on two runtimes
FIRST = {r["id"] for r in {r["class_name"]: r for r in reversed(RECORDS)}.values()}
LENGTHY = ("coreml", "executorch")  # their libraries take a second for a layer: one case of each is quick enough
CASES = [
    pytest.param(
        target, record, id=f"{target}-{record['id']}",
        marks=[pytest.mark.slow] if target in LENGTHY and record["id"] not in FIRST else [],
    )
    for target in HERE
    for record in RECORDS
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*drops the mask of its input")
@pytest.mark.parametrize(("target", "record"), CASES)
def test_a_file_computes_what_the_layer_does(target, record):
    reason = GAPS.get(target, {}).get(record["id"].split("/")[0]) or GAPS.get(target, {}).get(record["id"])
    if reason is not None:
        with pytest.raises(Exception, match=reason):
            tried(record, target)
        return
    found = tried(record, target)
    assert found.difference <= CLOSE * max(found.scale, 1.0)


def test_gaps_are_those_of_layers_and_targets_that_exist():
    names = {r["id"] for r in RECORDS} | {r["class_name"] for r in RECORDS}
    assert set(GAPS) <= set(TARGETS)
    assert {layer for gaps in GAPS.values() for layer in gaps} <= names
