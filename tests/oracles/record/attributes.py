"""The public attributes of Keras's classes: names in their bodies, and names that their methods assign on ``self``."""

import ast
import inspect
import textwrap

import keras

MODULES = (
    keras, keras.layers, keras.callbacks, keras.metrics, keras.losses, keras.optimizers, keras.optimizers.schedules,
    keras.initializers, keras.regularizers, keras.constraints, keras.dtype_policies, keras.utils, keras.models,
)  # fmt: skip


def records():
    """For every public class and its bases: ``id``, package and name, such as ``"losses.Hinge"``; ``bases``, the
    ids of all bases in order; ``names``, those that it adds, sorted.
    """
    public = {thing for module in MODULES for thing in vars(module).values() if inspect.isclass(thing)}
    public.add(functional())
    found = {base for cls in public for base in cls.__mro__ if base.__module__.startswith("keras")}
    made = [{"id": identity(cls), "bases": bases(cls), "names": sorted(names(cls))} for cls in found]
    by_id = {record["id"]: record for record in sorted(made, key=lambda record: record["id"])}
    model = by_id["models.Model"]
    model["names"] = sorted({*model["names"], *assigned(keras.callbacks.History, "model")})
    return list(by_id.values())


def functional():
    """The class of a model that is made of symbolic tensors."""
    inputs = keras.Input((1,))
    return type(keras.Model(inputs, inputs))


def identity(cls):
    return f"{cls.__module__.removeprefix('keras.src.').split('.')[0]}.{cls.__name__}"


def bases(cls):
    return [identity(base) for base in cls.__mro__[1:] if base.__module__.startswith("keras")]


def names(cls):
    return {name for name in vars(cls) if not name.startswith("_")} | assigned(cls, "self")


def assigned(cls, owner):
    """The public names that the source of a class assigns as ``owner.name``; for "model", as ``self.model.name``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    stores = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    targets = {"self": "self", "model": "self.model"}
    return {s.attr for s in stores if ast.unparse(s.value) == targets[owner] and not s.attr.startswith("_")}
