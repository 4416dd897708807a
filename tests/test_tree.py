"""Trees: paths, traversals, structures up to a depth, and shapes."""

from __future__ import annotations

import collections

import pytest

from amalthea import tree
from amalthea.errors import ArgumentError

Pair = collections.namedtuple("Pair", "x y")
NEST = {"b": [1, (2, None)], "a": Pair(3, 4)}


def doubled(x):
    return x * 2 if isinstance(x, int) else None


# name: (call, result)
ROWS = {
    "paths": (
        lambda: tree.flatten_with_path(NEST),
        [(("a", 0), 3), (("a", 1), 4), (("b", 0), 1), (("b", 1, 0), 2), (("b", 1, 1), None)],
    ),
    "path of a leaf": (lambda: tree.flatten_with_path(5), [((), 5)]),
    "traverse": (lambda: tree.traverse(doubled, NEST), {"b": [2, (4, None)], "a": Pair(6, 8)}),
    "from the top": (lambda: tree.traverse(lambda x: len(x) if isinstance(x, list) else None, [[1], 2]), 2),
    "from the leaves": (
        lambda: tree.traverse(lambda x: tuple(x) if isinstance(x, list) else None, [[1, 2], [3]], top_down=False),
        ((1, 2), (3,)),
    ),
    "to None": (lambda: tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, 2]), [None, 2]),
    "tuples": (lambda: tree.lists_to_tuples([1, {"a": [2]}, Pair([1], 2)]), (1, {"a": (2,)}, Pair((1,), 2))),
    "None is a leaf": (lambda: tree.map_structure(lambda x: x is None, [1, None]), [False, True]),
    "None is no leaf": (lambda: tree.map_structure(lambda x: 0, [1, None], none_is_leaf=False), [0, None]),
    "order of keys": (lambda: list(tree.map_structure(lambda x: x, {"b": 1, "a": 2})), ["b", "a"]),
    "a pair": (lambda: tree.map_structure(lambda x: 0, NEST), {"b": [0, (0, 0)], "a": Pair(0, 0)}),
    "up to a depth": (
        lambda: tree.map_structure_up_to([0, 0], lambda x, y: (x, y), [[1, 2], 3], [4, [5]]),
        [([1, 2], 4), (3, [5])],
    ),
    "shapes": (lambda: tree.map_shape_structure(len, {"a": (1, None), "b": [(2,), [3, 4, 5]]}), {"a": 2, "b": [1, 3]}),
    "one shape": (lambda: tree.map_shape_structure(len, (None, 3)), 2),
    "an ordered dict": (lambda: tree.assert_same_structure({"a": 1}, collections.OrderedDict(a=1)), None),
    "None beside a leaf": (lambda: tree.assert_same_structure([1, None], [None, 1]), None),
    "equal paths": (lambda: tree.assert_same_paths([1, {"a": 2}], (1, {"a": 3})), None),
}
REFUSED = {
    "a list for a tuple": lambda: tree.assert_same_structure([1], (1,), check_types=False),
    "another length": lambda: tree.assert_same_structure([1], [1, 2]),
    "another key": lambda: tree.assert_same_structure({"a": 1}, {"b": 1}),
    "a leaf for a list": lambda: tree.map_structure(lambda x, y: x, [[1]], [1]),
    "no structure": lambda: tree.map_structure(lambda: 1),
    "other paths": lambda: tree.assert_same_paths([1], [1, 2]),
    "a shallower structure": lambda: tree.map_structure_up_to([1, [2]], lambda x: x, [1, 2]),
    "keys beyond those": lambda: tree.map_structure_up_to({"a": 0}, lambda x: x, {"a": 1, "b": 2}),
    "no shape": lambda: tree.map_shape_structure(len, {"a": "b"}),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_tree_function_gives_what_keras_gives(name):
    call, want = ROWS[name]
    found = call()
    assert found == want and type(found) is type(want)


@pytest.mark.parametrize("name", REFUSED)
def test_structures_that_differ_are_refused(name):
    with pytest.raises(ArgumentError):
        REFUSED[name]()
