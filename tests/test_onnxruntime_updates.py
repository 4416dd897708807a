"""Variables that are updated in place after ONNX Runtime's session: they are what they would be inside it."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Sequential, layers
from amalthea.engine import backends
from amalthea.engine.backends.onnxruntime import executable
from amalthea.engine.backends.onnxruntime.updates import llvm, partition, program
from amalthea.engine.primitives import TABLE
from amalthea.engine.transforms import capture
from tests.samples import numbers

X = numbers(12, 5).astype("float32")
Y = (X.sum(1) > 0).astype("int32")


def made(**options):
    amalthea.random.set_random_seed(3)
    parts = [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(4, "relu"), layers.Dense(2, "softmax")]
    model = Sequential(parts)
    model.compile(amalthea.optimizers.Adam(0.05, **options), "sparse_categorical_crossentropy")
    return model


def train(model, steps=3):
    for _ in range(steps):
        model.train_on_batch(X, Y)


def alone(model):
    train(model)


def assigned(model):
    train(model)
    model.layers[0].kernel.assign(model.layers[0].kernel * 0.5)
    train(model)


def partly_written(model):
    """Another executable writes some of the variables, again and again, and leaves the others in the other buffer."""
    turn = amalthea.jit(lambda: model.layers[1].bias.assign(amalthea.ops.flip(model.layers[1].bias)))
    for _ in range(3):
        train(model)
        turn()


def partly_updated(model):
    halve = amalthea.jit(lambda: model.layers[1].bias.assign(model.layers[1].bias * 0.5))
    for _ in range(3):
        train(model)
        halve()


def halved_before(model):
    """Each weight lies in line before it has a second buffer, where its gradient will be put."""
    weights = model.trainable_variables
    amalthea.jit(lambda: [weight.assign(weight * 0.5) for weight in weights] and None)()
    train(model)


def frozen_between(model):
    train(model)
    for trainable in (False, True):
        model.layers[0].trainable = trainable
        model.compile(model.optimizer, model.loss)
        train(model)


def elsewhere_between(model):
    train(model)
    with backends.use_backend("numpy"):
        train(model)
    train(model)


def with_other_batches(model):
    """The executable of another batch size updates the same variables, and puts gradients in the same memory."""
    for _ in range(3):
        train(model, 1)
        model.train_on_batch(X[:5], Y[:5])


def balance(model):
    """Two models that have a layer in common train in turn."""
    other = Sequential([model.layers[0], layers.Dense(2, "softmax")])
    other.compile(amalthea.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    for _ in range(3):
        train(model, 1)
        train(other, 2)


def predicted_between(model):
    for _ in range(3):
        train(model, 1)
        model.predict(X, verbose=0)
        model.evaluate(X, Y, verbose=0)


STORIES = (
    alone,
    assigned,
    partly_written,
    partly_updated,
    halved_before,
    frozen_between,
    elsewhere_between,
    with_other_batches,
    balance,
    predicted_between,
)


compilable = pytest.mark.skipif(not llvm.is_available(), reason="needs llvmlite")


def in_pieces(monkeypatch):
    monkeypatch.setattr(executable, "MAX_CONTIGUOUS_ELEMENTS", 5)  # of 30, 6, 24, 4, 8 and 2 numbers
    monkeypatch.setattr(program, "PIECE", 16)
    monkeypatch.setattr(program, "is_multithreaded", lambda size: size > 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def in_machine_code(monkeypatch, after=100):
    in_pieces(monkeypatch)
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", after)


MEMORIES = [
    pytest.param(lambda monkeypatch: None, id="in line"),
    pytest.param(in_pieces, id="in pieces, by two threads"),
    pytest.param(in_machine_code, id="in machine code", marks=compilable),
]


@pytest.fixture(params=MEMORIES)
def memory(request, monkeypatch):
    request.param(monkeypatch)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_weights_are_those_of_another_backend(story, memory):
    found = []
    for backend in ("onnxruntime", "numpy"):
        with backends.use_backend(backend):
            model = made()
            story(model)
            state = [*model.weights, *model.optimizer.variables]
            found.append([model.predict(X, verbose=0), *(v.numpy() for v in state)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def partition_updates(model):
    """The session's graph of a training step, and what is done after it."""
    data = (X, Y, None)
    model.ensure_built(data)
    with backends.use_backend("onnxruntime"):
        from amalthea.engine.backends.onnxruntime import prepare_graph

        return partition.partition_updates(prepare_graph(capture(model.train_step, ((data,), {}))[0]))


def sizes(model):
    return [len(update.parts) for update in partition_updates(model)[1]]


def test_updates_that_are_alike_are_one():
    assert sizes(made()) == [6]


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Lion", "Nadam", "Adadelta", "Adamax", "AdamW"])
def test_every_optimizer_that_treats_numbers_alone_is_done_in_place(name):
    model = made()
    model.compile(getattr(amalthea.optimizers, name)(0.05), "sparse_categorical_crossentropy")
    graph, found = partition_updates(model)
    assert [len(update.parts) for update in found] == [6]
    assert not any(variable.shape for variable, _ in graph.writes)


def test_what_is_done_to_one_weight_alone_is_an_update_of_its_own():
    model = made()
    model.layers[0].kernel.constraint = amalthea.constraints.NonNeg()
    assert sorted(sizes(model)) == [1, 5]


def test_a_weight_that_something_else_needs_stays_in_the_session():
    model = made()
    model.layers[0].kernel.constraint = amalthea.constraints.MaxNorm(0.5)  # a sum over the new value
    graph, found = partition_updates(model)
    assert [len(update.parts) for update in found] == [5]
    assert model.layers[0].kernel in [variable for variable, _ in graph.writes]


def test_a_step_leaves_its_inputs_alone():
    """What the session gives may be spent; what the user gave may not."""
    weight, sums = amalthea.Variable(np.ones(3, "float32")), amalthea.Variable(np.zeros(3, "float32"))

    def step(x):
        sums.assign(sums + x * 0.5)
        weight.assign(weight - sums * x)
        return x

    x = np.float32([1, 2, 3])
    with backends.use_backend("onnxruntime"):
        out = amalthea.jit(step)(x)
        np.testing.assert_array_equal(x, [1, 2, 3])
        np.testing.assert_array_equal(out, [1, 2, 3])
        np.testing.assert_array_equal(sums.numpy(), [0.5, 1, 1.5])
        np.testing.assert_array_equal(weight.numpy(), [0.5, -1, -3.5])


def test_an_old_value_is_read_before_it_is_gone():
    one, two = (amalthea.Variable(np.full(3, value, "float32")) for value in (1, 5))

    def step(x):
        old = one.value
        one.assign(x * 2.0)
        two.assign(two - old)

    with backends.use_backend("onnxruntime"):
        amalthea.jit(step)(np.float32([1, 2, 3]))
    np.testing.assert_array_equal(one.numpy(), [2, 4, 6])
    np.testing.assert_array_equal(two.numpy(), [4, 4, 4])


def test_what_the_session_writes_holds_no_gradient():
    """An update is given more than it has variables of its own; that which it only reads is written by the session."""
    weight, read = (amalthea.Variable(np.float32(value)) for value in ([1, 2, 3], [4, 5, 6]))

    def step(x, y):
        weight.assign(weight - x * read * y)
        read.assign(amalthea.ops.flip(read))

    with backends.use_backend("onnxruntime"):
        amalthea.jit(step)(np.float32([1, 0, 2]), np.float32([2, 1, 3]))
    np.testing.assert_array_equal(weight.numpy(), [-7, 2, -33])
    np.testing.assert_array_equal(read.numpy(), [6, 5, 4])


def test_what_an_update_only_reads_may_be_written_by_the_session():
    weight, read = (amalthea.Variable(np.float32(value)) for value in ([1, 2, 3], [4, 5, 6]))

    def step(x):
        weight.assign(weight - x * read)
        read.assign(amalthea.ops.flip(read))

    with backends.use_backend("onnxruntime"):
        one = amalthea.jit(step)
        for _ in range(2):
            one(np.float32([1, 0, 2]))
    np.testing.assert_array_equal(weight.numpy(), [-9, 2, -17])
    np.testing.assert_array_equal(read.numpy(), [4, 5, 6])


@pytest.mark.parametrize("name", sorted(program.UFUNCS))
def test_a_ufunc_means_what_the_primitive_of_its_name_does(name):
    for sample in TABLE[name].samples:
        found = getattr(np, name)(*sample.inputs)
        np.testing.assert_array_equal(found, TABLE[name].reference(*sample.inputs, **sample.attrs))


def test_an_empty_variable_is_written_too():
    nothing = amalthea.Variable(np.zeros((0, 3), "float32"))
    with backends.use_backend("onnxruntime"):
        amalthea.jit(lambda: nothing.assign(nothing * 2.0) and None)()
    assert nothing.numpy().shape == (0, 3)


def test_only_what_a_gradient_is_put_beside_has_two_buffers():
    model = made()
    with backends.use_backend("onnxruntime"):
        train(model)
        place = backends.load("onnxruntime").storage_of
        weights = [len(place(v).buffers) for v in model.trainable_variables]
        moments = [len(place(v).buffers) for v in model.optimizer.variables if v.shape]
    assert (set(weights), set(moments)) == ({2}, {1})


V, G = ("variable", 0), ("given", 0)
LINES = {  # of two variables, one array given, a factor of 0.25: lines, and what the variables become
    "in the memory of the variable": (
        [("multiply", G, ("factor", 0)), ("subtract", V, ("temp", 0))],
        [("temp", 1)],
    ),
    "an old value that is needed later": (
        [("add", V, G), ("multiply", V, G)],
        [("temp", 0), ("temp", 1)],
    ),
    "two become the same": ([("maximum", V, ("number", 0.1))], [("temp", 0), ("temp", 0)]),
    "one that is not read": ([("square", G), ("negative", V)], [("temp", 1), ("temp", 0)]),
    "values exchanged": (
        [("add", V, ("number", 0.0)), ("add", ("variable", 1), ("number", 0.0))],
        [("temp", 1), ("temp", 0)],
    ),
    "a result that is used again": (
        [
            ("add", V, G),
            ("sqrt", G),
            ("divide", ("temp", 0), ("temp", 1)),
            ("minimum", ("temp", 2), ("variable", 1)),
        ],
        [("temp", 0), ("temp", 3)],
    ),
}


def parts_of(lines, results, dtype):
    """Three parts, a factor, and what the program is to make of them; of each what it asks for."""
    parts = [[np.abs(numbers(size, seed=seed)).astype(dtype) + 1 for seed in range(3)] for size in (7, 131, 64)]
    factor = np.array(0.25, dtype)
    wanted = []
    for one, two, given in parts:
        known = {("variable", 0): one, ("variable", 1): two, ("given", 0): given, ("factor", 0): factor}
        for i, (ufunc, *operands) in enumerate(lines):
            values = [np.array(x, dtype) if kind == "number" else known[kind, x] for kind, x in operands]
            known["temp", i] = getattr(np, ufunc)(*values)
        wanted.append([known[result].copy() for result in results])
    met = {operand for _, *operands in lines for operand in operands}
    kept = [len(results) > 0, len(results) > 1 or ("variable", 1) in met, G in met]
    asked = [[x for x, keep in zip(part, kept) if keep] for part in parts]
    return asked, [factor] if ("factor", 0) in met else [], wanted


@pytest.mark.parametrize("way", ["numpy_jobs", pytest.param("native_jobs", marks=compilable)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LINES)
def test_a_program_does_what_its_lines_say(name, dtype, way, monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    parts, factors, wanted = parts_of(*LINES[name], dtype)
    for job in getattr(program.Program(*LINES[name], dtype), way)(parts, factors, 3):
        job()
    for part, new in zip(parts, wanted):
        for ours, theirs in zip(part, new):
            np.testing.assert_array_equal(ours, theirs)


def test_threads_get_pieces_of_about_one_size(monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    whole = [np.zeros(131), np.zeros(64), np.zeros(7)]
    pieces = [piece for x in whole for piece in program.split_arrays([x], program.piece_count(x.size, 3))]
    shares = program.balance(pieces, 3)
    assert [sorted(piece[0].size for piece in share) for share in shares] == [[7, 32, 32], [3, 32, 32], [32, 32]]


@compilable
def test_threads_get_a_share_of_what_is_large_in_machine_code(monkeypatch):
    monkeypatch.setattr(program, "PIECE", 32)
    parts, factors, _ = parts_of(*LINES["values exchanged"], "float32")
    jobs = program.Program(*LINES["values exchanged"], "float32").native_jobs(parts, factors, 3)
    assert [[size for size, *_ in job.args[1]] for job in jobs] == [[48, 32], [48, 7], [35, 32]]


@compilable
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(llvm.LLVM_INSTRUCTIONS))
def test_machine_code_computes_exactly_what_numpy_does(name, dtype):
    few = [0.0, -0.0, 1.0, -1.5, 3.7e-5, 2e30, np.inf, -np.inf, np.nan, 1e-40, 0.1]
    one, two = (x.ravel().astype(dtype) for x in np.meshgrid(few, few))
    ufunc = getattr(np, name)
    with np.errstate(all="ignore"):
        wanted = ufunc(*(one, two)[: ufunc.nin])
    function = llvm.compile_instructions([(name, V, G)[: ufunc.nin + 1]], [("temp", 0)], dtype)
    function(one.size, one.ctypes.data, *[two.ctypes.data] * (ufunc.nin - 1))
    np.testing.assert_array_equal(one, wanted)


def work(size=50):
    lines, results = LINES["in the memory of the variable"]
    arrays = [np.ones(size, "float32"), np.ones(size, "float32")]
    return program.BoundProgram(program.Program(lines, results, "float32"), [arrays], [np.array(0.25, "float32")], 1)


@compilable
def test_a_program_is_compiled_once_it_has_run_often(monkeypatch):
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    update = work()
    found = []
    for _ in range(3):
        update()
        found.append(update.is_compiled)
    assert found == [False, False, True]


def test_what_cannot_be_compiled_stays_with_numpy(monkeypatch):
    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    monkeypatch.setattr(llvm, "is_available", lambda: False)
    update = work()
    for _ in range(5):
        update()
    assert not update.is_compiled


def test_where_llvm_fails_numpy_goes_on(monkeypatch):
    def refused(*_):
        raise RuntimeError("no such target")

    monkeypatch.setattr(program, "ELEMENTS_BEFORE_COMPILING", 100)
    monkeypatch.setattr(llvm, "is_available", lambda: True)
    monkeypatch.setattr(llvm, "compile_instructions", refused)
    update = work()
    ((variable, given),) = update.arguments[0]
    for _ in range(5):
        given[:] = 1
        update()
    assert not update.is_compiled
    np.testing.assert_array_equal(variable, np.full(50, 1 - 5 * 0.25, "float32"))


@pytest.mark.parametrize("version, wanted", [("0.44.1", False), ("0.45.0rc1", True), ("1.0.0", True), (None, False)])
def test_only_an_llvmlite_that_speaks_this_llvm_is_asked(version, wanted, monkeypatch):
    def of(name):
        if version is None:
            raise llvm.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(llvm.metadata, "version", of)
    assert llvm.is_available.__wrapped__() is wanted
