"""Objects whose configuration is their constructor's signature, and the tables that find them by name.

A class that derives from :class:`Configurable` needs no ``get_config``: what its constructor was given is
remembered, and read back from the attribute of the same name where there is one. A family (``initializers``,
``losses``, ...) is a :class:`Registry`: a table from every name a user or a file may write to the class or
function that it stands for. Nothing outside the table can be reached by a name.

    class Initializer(Configurable, registry=initializers): ...     # every subclass joins by being defined
    initializers.get("he_normal"), initializers.get({"class_name": "Zeros", "config": {}})
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from amalthea import checks, docstrings, loading
from amalthea.custom_objects import CUSTOM, CustomObjectScope, custom_object, get_registered_name, scoped
from amalthea.engine import dtypes
from amalthea.engine.auto_names import auto_name as auto_name
from amalthea.errors import ArgumentError, UnknownNameError, brief, nearest

FAMILIES: dict[str, Registry] = {}
# Modules of Keras, and the room that adds their classes to the tables when a file names one.
_LATER = {"keras.src.applications.": "amalthea.applications", "keras.utils": "amalthea.utils"}


def snake_case(name: str) -> str:
    """The name as Keras writes it in lower case.

    >>> snake_case("Conv2D"), snake_case("ReLU"), snake_case("GlorotUniform")
    ('conv2d', 're_lu', 'glorot_uniform')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _both_cases(name: str) -> tuple[str, str]:
    return (name, snake_case(name))


class Registry:
    """A table of the classes and functions of one family, such as all initializers, by their names.

    Args:
        family: str; the module of the family in Keras, such as ``"initializers"``.
        kind: str; the word for one member in messages, such as ``"initializer"``.
        spell: callable; takes the name of a class or function and returns the names under which it is found. Defaults
            to a function that returns ``HeNormal`` and ``he_normal`` for a class HeNormal.

    Example:
        >>> from amalthea import activations, initializers
        >>> initializers.registry.find("he_normal").__name__, activations.registry.find("relu").__name__
        ('HeNormal', 'relu')
    """

    def __init__(self, family: str, kind: str, spell: Callable[[str], Iterable[str]] = _both_cases):
        self.family = family
        self.kind = kind
        self.spell = spell
        self.names: dict[str, Any] = {}
        self.modules: dict[Any, str] = {}
        self.other_modules: set[str] = set()
        self.root: type | None = None  # from which all classes of the family derive
        FAMILIES[family] = self

    def add(self, thing: Any, *aliases: str, module: str | None = None) -> Any:
        """Put a class or function into the table under its own name, as the family spells it, and the aliases."""
        for key in (*self.spell(thing.__name__), *aliases):
            self.names[key] = thing
        self.modules[thing] = module or f"keras.{self.family}"
        return thing

    def alias(self, *aliases: str) -> Callable[[Any], Any]:
        """A decorator that adds with further names."""
        return lambda thing: self.add(thing, *aliases)

    def also(self, thing: Any, name: str, module: str) -> None:
        """Let files name it in another way too."""
        self.names[name] = thing
        self.other_modules.add(module)

    def find(self, name: str) -> Any:
        """The object that ``name`` stands for; :class:`UnknownNameError` with the nearest name otherwise."""
        for key in (name, name.rsplit(".", 1)[-1]):
            if key in self.names:
                return self.names[key]
        custom = custom_object(name)
        if custom is not None and fits(custom, (self.family,)):
            return custom
        raise UnknownNameError(f"There is no {self.kind} {name!r}.", got=repr(name), cure=nearest(name, self.names))

    def holds(self, cls: type) -> bool:
        """Whether a class is of the family: it is in the table, or derives from the family's root."""
        return cls in self.modules or (self.root is not None and issubclass(cls, self.root))

    def function(self, name: str) -> Any:
        """The function that ``name`` stands for, never a class."""
        found = self.find(name)
        if inspect.isclass(found):
            functions = [key for key, thing in self.names.items() if not inspect.isclass(thing)]
            raise UnknownNameError(f"There is no {self.kind} function {name!r}.", cure=nearest(name, functions))
        return found

    def get(self, identifier: Any) -> Any:
        """Returns the object for a name, config, class or object.

        Args:
            identifier: str, config dict, class, callable or None. A name may be spelt as the class
                (``"HeNormal"``) or in lower case (``"he_normal"``); a class is called without arguments.

        Returns:
            The object; a callable or object is returned unchanged, and None gives None.

        Raises:
            UnknownNameError: no object has this name.
            ArgumentError: the identifier is none of these kinds.

        Example:
            >>> from amalthea import initializers, losses
            >>> initializers.get("he_normal")
            HeNormal(seed=None, input_axes=None, output_axes=None)
            >>> losses.get("mse").__name__
            'mean_squared_error'
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            return deserialize(identifier, self)
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier) or getattr(identifier, "_registry", None) is self:
            return identifier
        raise ArgumentError(
            f"This cannot stand for {_article(self.kind)}.",
            expected="a name, a config dict, or a callable",
            got=repr(identifier),
        )

    def serialize(self, thing: Any) -> Any:
        """Returns the config of an object, as plain data that JSON can hold.

        Args:
            thing: object with ``get_config``, or function.

        Returns:
            A dict with ``module``, ``class_name``, ``config`` and ``registered_name``; for a function of this
            library, its name.

        Raises:
            ArgumentError: the object does not have ``get_config``.

        Example:
            >>> from amalthea import initializers, losses
            >>> initializers.serialize(initializers.Constant(2.0))["config"]
            {'value': 2.0}
            >>> losses.serialize(losses.mean_squared_error)
            'mean_squared_error'
        """
        return serialize(thing)

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Returns the object for a config that ``serialize`` wrote.

        Args:
            config: config dict or name; anything else is treated as by ``get``.
            custom_objects: dict of classes and functions of your own by name, known during this call. Defaults to
                None, which knows only registered ones.

        Raises:
            UnknownNameError: the config names something that does not exist, or that belongs to another family.

        Example:
            >>> from amalthea import initializers
            >>> initializers.deserialize(initializers.serialize(initializers.Constant(2.0)))
            Constant(value=2.0)
        """
        with CustomObjectScope(custom_objects):
            return self.get(config)


def renamed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Returns a function with another name for its first parameter, also in its docstring."""
    signature = inspect.signature(function)
    first, *others = signature.parameters.values()

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if name in kwargs and not args:
            args = (kwargs.pop(name),)
        return function(*args, **kwargs)

    call.__signature__ = signature.replace(parameters=[first.replace(name=name), *others])  # type: ignore[attr-defined]
    call.__doc__ = (function.__doc__ or "").replace(f"{first.name}:", f"{name}:", 1)
    return call


def _article(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


respell: Any = None  # a function from (class, args, kwargs) to today's, if calls of older Keras are read


class _Remembering(type):
    """Keeps what a constructor was called with, as the caller wrote it."""

    @property
    def __signature__(cls) -> inspect.Signature:
        if cls.__init__ is object.__init__:
            return inspect.Signature()
        return _signature(cls).replace(parameters=list(_signature(cls).parameters.values())[1:])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if respell is not None:
            made, args, kwargs = respell(cls, args, kwargs)
            if made is not cls:
                return made(*args, **kwargs)
        given = _bind(cls, args, kwargs)
        self = super().__call__(*args, **kwargs)
        if given is not None and getattr(self, "_given", None) is None:
            object.__setattr__(self, "_given", given)
        return self


@functools.cache
def _signature(cls: type) -> inspect.Signature:
    return inspect.signature(cls.__init__)


def _bind(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    try:
        bound = _signature(cls).bind(None, *args, **kwargs)
    except TypeError:
        return None  # the constructor itself will say what is wrong
    bound.apply_defaults()
    given: dict[str, Any] = {}
    for name, parameter in list(_signature(cls).parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            given.update(bound.arguments.get(name, {}))
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            given[name] = bound.arguments[name]
    return given


@functools.cache
def _of_users(cls: type) -> tuple[frozenset[str], frozenset[str]]:
    """Returns parameters that a user's ``get_config`` writes, and those of the library's class; none without one."""
    written: set[str] = set()
    overrides = False
    for above in cls.__mro__:
        if above.__module__.startswith("amalthea."):
            inherited = _names(above) if overrides else frozenset()
            return frozenset(written - inherited), inherited
        if "get_config" in vars(above):
            overrides = True
            written |= _names(above)
    return frozenset(), frozenset()


def _names(cls: type) -> frozenset[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(n for n, p in [*_signature(cls).parameters.items()][1:] if p.kind in kinds)


class Configurable(metaclass=_Remembering):
    """A thing that is made again from its configuration."""

    _registry: Registry | None = None
    _given: dict[str, Any] | None = None
    _not_in_config: tuple[str, ...] = ()
    _only_in_config_if_set: tuple[str, ...] = ()  # left out at their defaults, as Keras leaves them out
    _argument_checks: Mapping[str, checks.Check] = MappingProxyType({})  # of the constructor's arguments, by name

    def __init_subclass__(cls, registry: Registry | None = None, aliases: Iterable[str] = (), **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if registry is not None:
            cls._registry, registry.root = registry, cls
        if cls.__module__.startswith("amalthea."):
            checks.guard(cls)
            docstrings.fill(cls)
        is_ours = cls.__module__.startswith("amalthea.") and not cls.__name__.startswith("_")
        if cls._registry is not None and is_ours:
            cls._registry.add(cls, *aliases)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, as plain data that JSON can hold.

        Returns:
            A dict, from which :meth:`from_config` makes an equal object.

        Example:
            >>> from amalthea import initializers
            >>> initializers.RandomUniform(0.0, 1.0).get_config()
            {'minval': 0.0, 'maxval': 1.0, 'seed': None}
        """
        return {
            name: serialize(self._config_value(name, value))
            for name, value in self._config_arguments().items()
            if name not in self._not_in_config and not self._is_left_out(name, value)
        }

    def _config_arguments(self) -> dict[str, Any]:
        """Returns arguments of the constructor by name, as they were given, for a configuration.

        A user's ``get_config`` adds those of its own class to what it gets from here, as in Keras. So these are left
        out, and what the class of this library takes is there even if the user's constructor passed it on by itself.
        """
        given, own, inherited = self._given or {}, *_of_users(type(self))
        passed_on = {name: getattr(self, name, None) for name in inherited if name not in given}
        passed_on = {name: value for name, value in passed_on.items() if value is not None}
        return {name: value for name, value in {**given, **passed_on}.items() if name not in own}

    def _is_left_out(self, name: str, given: Any) -> bool:
        parameter = _signature(type(self)).parameters.get(name)
        return name in self._only_in_config_if_set and given == (parameter.default if parameter else None)

    def _config_value(self, name: str, given: Any) -> Any:
        """Returns the present value of an argument of the constructor, for :meth:`get_config`."""
        return getattr(self, name, given)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates an object from a configuration that :meth:`get_config` returned.

        Args:
            config: dict of arguments of the constructor; objects among them as configs.

        Returns:
            The object.

        Raises:
            UnknownNameError: a config among the arguments names something that does not exist.

        Example:
            >>> from amalthea import initializers
            >>> initializers.Constant.from_config({"value": 2.0})
            Constant(value=2.0)
        """
        return cls(**{key: deserialize(value, cls._tables_for(key)) for key, value in config.items()})

    _config_slots: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @classmethod
    def _tables_for(cls, parameter: str) -> tuple[str, ...] | None:
        """Returns the families of objects that a configuration may hold for a parameter.

        It keeps model files safe: a loss cannot stand in the place of an initializer."""
        if parameter in cls._config_slots:
            return cls._config_slots[parameter]
        return loading.slot_of(parameter) if cls.__module__.startswith("amalthea.") else None

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in (self._given or {}).items())
        return f"{type(self).__name__}({arguments})"


# --------------------------------------------------------------------------------- objects as plain data


def module_of(thing: Any) -> str | None:
    """The Keras module under which files name a class or function of ours; None for anything else."""
    for registry in FAMILIES.values():
        if thing in registry.modules:
            return registry.modules[thing]
    return None


def serialize(value: Any) -> Any:
    """A value as plain data. Objects become ``{"module", "class_name", "config", "registered_name"}``.

    >>> serialize((1, 2.5, None))
    [1, 2.5, None]
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [serialize(v) for v in value]
    if isinstance(value, dict):
        return {k: serialize(v) for k, v in value.items()}
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    if isinstance(value, np.dtype):
        return dtypes.standardize(value)
    if isinstance(value, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": value.dtype.name}}
    if isinstance(value, slice):
        parts = {key: serialize(getattr(value, key)) for key in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        return _serialize_function(value)
    return serialize_object(value)


def serialize_object(thing: Any) -> dict[str, Any]:
    """The class of ``thing`` by name, and its ``get_config()``."""
    cls = type(thing)
    if not hasattr(thing, "get_config"):
        raise ArgumentError(
            f"A {cls.__name__} cannot be written to a config.", got=repr(thing), cure="give its class a get_config()"
        )
    module, name, registered = getattr(thing, "_saved_identity", None) or _identity(cls)
    data = {"module": module, "class_name": name, "config": thing.get_config(), "registered_name": registered}
    for key in ("build_config", "compile_config"):
        found = getattr(thing, f"get_{key}", lambda: None)()
        if found is not None:
            data[key] = found if key == "build_config" else serialize(found)
    return data


def _identity(cls: type) -> tuple[str | None, str, str | None]:
    """Under which module, class name and registered name files know a class."""
    module = module_of(cls)
    if module:
        return module, cls.__name__, None
    return None if cls.__module__ == "__main__" else cls.__module__, cls.__name__, get_registered_name(cls)


def _serialize_function(function: Any) -> Any:
    if module_of(function) is not None:
        return function.__name__
    name = get_registered_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


PLAIN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__numpy__": lambda c: np.array(c["value"], dtypes.to_numpy(dtypes.standardize(c["dtype"]))),
    "__tensor__": lambda c: np.array(c["value"], dtypes.to_numpy(dtypes.standardize(c["dtype"]))),
    "__slice__": lambda c: slice(*(deserialize(c[key]) for key in ("start", "stop", "step"))),
    "__ellipsis__": lambda c: Ellipsis,
    "__bytes__": lambda c: c["value"].encode("utf-8"),
}


Where = Registry | Sequence[str] | None


def deserialize(data: Any, where: Where = None) -> Any:
    """Make an object from the plain data that :func:`serialize` wrote.

    Args:
        data: plain data.
        where: the table, or the names of the tables, whose objects may stand there; None for all tables. In an empty
            list nothing may, and the data must be plain.

    Raises:
        UnknownNameError: it names something that may not stand there, or that does not exist.
    """
    if isinstance(data, list):
        return [deserialize(v, where) for v in data]
    if not isinstance(data, dict):
        return data
    if "class_name" not in data or "config" not in data:
        return {k: deserialize(v, where) for k, v in data.items()}
    name = data["class_name"]
    if isinstance(name, str) and name in PLAIN:
        return PLAIN[name](data["config"])
    tables = tuple(FAMILIES) if where is None else (where.family,) if isinstance(where, Registry) else tuple(where)
    if name == "function":
        return _find(data["config"], data, tables, as_function=True)
    if where is None and "module" not in data and custom_object(name) is None:
        return data  # Keras 2 wrote no module: the constructor that takes it knows the family
    kind, config = _find(name, data, tables), data["config"]
    if isinstance(config, dict):
        loading.check_sizes(str(name), config)
    made = kind.from_config(config)
    if data.get("build_config") and hasattr(made, "build_from_config"):
        loading.check_shapes(str(name), data["build_config"])
        made.build_from_config(data["build_config"])
    if data.get("compile_config") and hasattr(made, "compile_from_config"):
        made.compile_from_config(data["compile_config"])
    return made


def _find(name: Any, data: dict[str, Any], tables: Sequence[str], as_function: bool = False) -> Any:
    """The class or function that a configuration names, if it may stand in its place."""
    if not isinstance(name, str):
        raise UnknownNameError("A configuration has no name where one must stand.", got=brief(name))
    registered = None if as_function else data.get("registered_name")
    module = data.get("module") or ""
    found: Any = None
    if isinstance(module, str) and isinstance(registered, (str, type(None))):
        found = _named(name, registered, module, tables, as_function)
    if found is None or inspect.isclass(found) is as_function or not fits(found, tables):
        raise UnknownNameError(
            f"Nothing that may stand here is called {brief(name)}.",
            expected=" or ".join(tables) or "plain data",
            got=brief(f"{module}.{name}" if module else name),
            cure="pass custom_objects={...}, or put @register_keras_serializable() on it",
        )
    return found


def _named(name: str, registered: str | None, module: str, tables: Sequence[str], as_function: bool) -> Any:
    """Look a name up: in our tables if the file gives a module of Keras, else among the user's registered objects.

    A user's class never replaces the built-in class of the same name, nor the other way round.
    """
    full = registered or name
    if ">" in full:
        return scoped(full) or CUSTOM.get(full)
    if as_function:
        return scoped(name) or (_ours(name, "", tables, True) if _is_keras(module) else None) or custom_object(name)
    if _is_keras(module) and module:
        return _ours(name, module, tables, False)
    if module or registered:
        return custom_object(full) or custom_object(name)
    return scoped(name) or _ours(name, "", tables, False) or custom_object(name)


def _is_keras(module: str) -> bool:
    return module in ("", "builtins", "keras") or module.startswith("keras.")


def _ours(name: str, module: str, tables: Sequence[str], as_function: bool) -> Any:
    for prefix, room in _LATER.items():
        if module.startswith(prefix):
            importlib.import_module(room)
    for table in tables:
        registry = FAMILIES.get(table)
        if registry is None or (module and module not in {*registry.modules.values(), *registry.other_modules}):
            continue
        found = registry.names.get(name)
        if found is not None and inspect.isclass(found) is not as_function:
            return found
    return None


def fits(thing: Any, tables: Sequence[str]) -> bool:
    """Whether a class or function may stand where objects of these tables stand.

    A class of yours may unless it is of another family; a function of yours, wherever one is called.
    """
    if not inspect.isclass(thing):
        return any(table in loading.CALLED for table in tables)
    families = [family for family, registry in FAMILIES.items() if registry.holds(thing)]
    if families:
        return any(family in tables for family in families)
    return any(table == loading.OWN or (table in FAMILIES and FAMILIES[table].root) for table in tables)
