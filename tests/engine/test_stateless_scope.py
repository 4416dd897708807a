"""StatelessScope, name_scope and RematScope: blocks around computations."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import RematScope, Sequential, StatelessScope, Variable, layers, name_scope, ops
from amalthea.engine import backends
from amalthea.engine.transforms import capture
from amalthea.errors import ArgumentError
from tests.arrays import numbers

X = numbers(8, 3)


def on_host(x):
    return backends.current().to_numpy(x)


def in_scope(values, change):
    v, w = Variable([1.0, 2.0]), Variable([3.0])
    with StatelessScope([(v, values)]) as scope:
        v.assign_add(change)
        w.assign(w * 2.0)
        seen = v + 0.0
    return seen, scope.get_current_value(v), scope.get_current_value(w), v.value, w.value


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_assignments_in_a_stateless_scope_stay_inside(mode):
    function = in_scope if mode == "eager" else amalthea.jit(in_scope)
    found = [on_host(x).tolist() for x in function(np.float32([5, 6]), np.float32([1, 1]))]
    assert found == [[6.0, 7.0], [6.0, 7.0], [6.0], [1.0, 2.0], [3.0]]


def test_a_variable_that_the_scope_did_not_set_has_no_value_in_it():
    with StatelessScope() as scope:
        pass
    assert scope.get_current_value(Variable(1.0)) is None


@pytest.mark.parametrize("mapping", [[("v", 1.0)], [(Variable([1.0, 2.0]), [1.0, 2.0, 3.0])]])
def test_a_wrong_state_mapping_is_refused(mapping):
    with pytest.raises(ArgumentError, match="state_mapping"):
        StatelessScope(mapping)


def test_losses_are_collected_where_that_is_asked():
    class Added(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    for collects in (True, False):
        with StatelessScope(collect_losses=collects) as scope:
            Added()(X)
        assert [round(float(loss), 4) for loss in scope.losses] == ([round(float(X.sum()), 4)] if collects else [])


def test_names_of_blocks_begin_the_paths_of_what_is_made_inside():
    with name_scope("outer"), name_scope("inner"):
        variable, dense = Variable(1.0, name="v"), layers.Dense(1, name="dense")
        dense.build((None, 2))
    assert variable.path == "outer/inner/v" and dense.kernel.path == "outer/inner/dense/kernel"
    assert Variable(1.0, name="v").path == "v"


REMAT = {
    "full": {},
    "activations": {"mode": "activations"},
    "larger_than": {"mode": "larger_than", "output_size_threshold": 20},
    "list_of_layers": {"mode": "list_of_layers", "layer_names": ["wide"]},
    "none": {"mode": None},
}


def recomputed(**scope):
    """The number of values that a gradient computes again, and the gradient."""
    amalthea.random.set_random_seed(1)
    with RematScope(**scope):
        made = [layers.Dense(4, "tanh", name="wide"), layers.Dense(2, "tanh"), layers.Dense(1)]
    model = Sequential([layers.Input((3,), batch_size=8), *made])
    slopes = lambda x: amalthea.grad(lambda x: ops.sum(model(x, training=True)))(x)  # noqa: E731
    graph, _ = capture(slopes, ((X,), {}))
    return [node.primitive.name for node in graph.nodes].count("barrier"), on_host(amalthea.jit(slopes)(X))


@pytest.mark.parametrize("name", [*REMAT])
def test_layers_of_a_remat_scope_compute_their_values_again(name):
    count, slopes = recomputed(**REMAT[name])
    np.testing.assert_allclose(slopes, recomputed(mode=None)[1], 1e-5, 1e-6)
    assert count == {"full": 2, "activations": 2, "larger_than": 1, "list_of_layers": 1, "none": 0}[name]


@pytest.mark.parametrize("wrong", [{"mode": "half"}, {"output_size_threshold": -1}])
def test_a_wrong_remat_scope_is_refused(wrong):
    with pytest.raises(ArgumentError):
        RematScope(**wrong)
