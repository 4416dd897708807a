"""The tables of cases: plain data, which the maker reads with Keras at hand and the tests with Amalthea."""

from dataclasses import dataclass, field


def check_unique(cases):
    """The cases as a tuple; two with one name would share their numbers, so that is refused."""
    cases = tuple(cases)
    names = [case.id for case in cases]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"Every case needs a name of its own; used twice: {', '.join(repeated)}")
    return cases


@dataclass(frozen=True)
class LayerCase:
    """A layer, what it is called on, and how.

    gather: how the inputs are passed: "one" (the only input), "list" (as one list) or "positional".
    arguments: keyword arguments that are arrays, such as a mask or an initial state.
    call: the plain keyword arguments, such as ``training``.
    masks: the masks that the inputs carry; given to ``compute_mask`` alone.
    calls: how many times the layer is called on the same inputs; what is stored is about the last call.
    traced: whether it can be traced and differentiated; a lookup of text cannot.
    """

    id: str
    class_name: str
    config: dict
    inputs: tuple
    gather: str = "one"
    arguments: dict = field(default_factory=dict)
    call: dict = field(default_factory=dict)
    masks: tuple = ()
    calls: int = 1
    traced: bool = True


def layer(class_name, label, config, *inputs, **facts):
    """A row of the layers' tables; several inputs are gathered into a list unless the row says otherwise."""
    facts.setdefault("gather", "one" if len(inputs) == 1 else "list")
    return LayerCase(f"{class_name}/{label}", class_name, config, inputs, **facts)


@dataclass(frozen=True)
class FunctionCase:
    """A call of one function, regularizer, constraint or schedule on arrays.

    class_name: the class to construct with `config`; for an activation, the function's name, and `config` its keywords.
    """

    id: str
    class_name: str
    config: dict
    inputs: tuple


@dataclass(frozen=True)
class LossCase:
    """A loss on one pair of arrays. `function` is the plain function's name, or None where there is none."""

    id: str
    class_name: str
    config: dict
    y_true: object
    y_pred: object
    sample_weight: object
    function: str | None
    function_config: dict


@dataclass(frozen=True)
class MetricCase:
    """A metric, and for each ``update_state`` its ``{"arguments", "sample_weight"}``."""

    id: str
    class_name: str
    config: dict
    updates: tuple


@dataclass(frozen=True)
class OptimizerCase:
    """An optimizer; `special` names the gradients that are not the usual ones (a row of `optimizers.FACTORS`)."""

    id: str
    class_name: str
    config: dict
    special: str = "usual"


@dataclass(frozen=True)
class TrainingCase:
    """A model, its data, and how it is trained; `build.build_model` makes the model in either library.

    inputs: input's name -> ``{"shape", "dtype"}``, the shape without the batch.
    nodes: the layers in order, each ``{"class_name", "config", "inputs"}``; `inputs` names the layers (by the name in
    their config) or the inputs that it is called on. A node with ``"again"`` calls the layer of that name a second time
    and has a ``"name"`` itself.
    outputs: the names of the nodes that are outputs; empty for a Sequential model, whose nodes need no names.
    gather: how a functional model holds several inputs and outputs: "dictionary" or "list"; one alone stands bare.
    data, validation: ``{"x", "y", "sample_weight"}``; x and y are gathered like the model's inputs and outputs.
    """

    id: str
    inputs: dict
    nodes: tuple
    outputs: tuple
    compile: dict
    data: dict
    validation: dict
    fit: dict
    gather: str = "dictionary"
