"""``Config``: named values of an experiment."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from amalthea.errors import ArgumentError, MissingAttributeError, nearest


class Config:
    """Named values, as attributes and as items; they can be frozen, and written as JSON.

    Args:
        **kwargs: the values by name.

    Raises:
        ArgumentError: a value is set while the config is frozen.
        MissingAttributeError: there is no value of a name.

    Example:
        >>> from amalthea import utils
        >>> config = utils.Config(rate=0.1)
        >>> config.units = 32
        >>> config["units"], config.to_json()
        (32, '{"rate": 0.1, "units": 32}')
    """

    def __init__(self, **kwargs: Any):
        object.__setattr__(self, "_frozen", False)
        object.__setattr__(self, "_config", dict(kwargs))

    def _open(self) -> dict[str, Any]:
        if self._frozen:
            raise ArgumentError("The config is frozen.", cure="config.unfreeze()")
        return self._config

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_config", "_frozen"):
            raise AttributeError(name)
        if name not in self._config:
            raise MissingAttributeError(f"The config has no value {name!r}.", cure=nearest(name, self._config))
        return self._config[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._open()[name] = value

    def __delattr__(self, name: str) -> None:
        del self._open()[name]

    __getitem__ = __getattr__
    __setitem__ = __setattr__
    __delitem__ = __delattr__

    def __contains__(self, name: object) -> bool:
        return name in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"

    def __getstate__(self) -> Any:
        return {"_frozen": self._frozen, "_config": self._config}

    def __setstate__(self, state: Any) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    @property
    def frozen(self) -> bool:
        """Whether values can be set."""
        return self._frozen

    def freeze(self) -> None:
        """Lets no value be set from now on.

        Example:
            >>> from amalthea import utils
            >>> config = utils.Config(rate=0.1)
            >>> config.freeze()
            >>> config.frozen
            True
        """
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Lets values be set again.

        Example:
            >>> from amalthea import utils
            >>> config = utils.Config()
            >>> config.unfreeze()
            >>> config.frozen
            False
        """
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """Returns the values as a dict of its own.

        Example:
            >>> from amalthea import utils
            >>> utils.Config(rate=0.1).as_dict()
            {'rate': 0.1}
        """
        return dict(self._config)

    def to_json(self) -> str:
        """Returns the values as JSON.

        Raises:
            ArgumentError: a value has no form in JSON.

        Example:
            >>> from amalthea import utils
            >>> utils.Config(rate=0.1).to_json()
            '{"rate": 0.1}'
        """
        try:
            return json.dumps(self._config)
        except TypeError as error:
            raise ArgumentError("A value of the config has no form in JSON.", got=error) from None

    def get(self, name: str, default: Any = None) -> Any:
        """Returns the value of a name, or the default.

        Args:
            name: str; the name.
            default: value for a name that is not there. Defaults to None.

        Example:
            >>> from amalthea import utils
            >>> utils.Config(rate=0.1).get("units", 8)
            8
        """
        return self._config.get(name, default)

    def pop(self, *args: Any) -> Any:
        """Removes a value and returns it.

        Args:
            *args: name, and the value for a name that is not there.

        Example:
            >>> from amalthea import utils
            >>> utils.Config(rate=0.1).pop("rate")
            0.1
        """
        return self._open().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several values.

        Args:
            *args: dict or Config.
            **kwargs: values by name.

        Example:
            >>> from amalthea import utils
            >>> config = utils.Config(rate=0.1)
            >>> config.update({"rate": 0.2}, units=8)
            >>> config.as_dict()
            {'rate': 0.2, 'units': 8}
        """
        given = [a.as_dict() if isinstance(a, Config) else a for a in args]
        self._open().update(*given, **kwargs)

    def keys(self) -> KeysView[str]:
        """Returns the names.

        Example:
            >>> from amalthea import utils
            >>> list(utils.Config(rate=0.1).keys())
            ['rate']
        """
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """Returns the values.

        Example:
            >>> from amalthea import utils
            >>> list(utils.Config(rate=0.1).values())
            [0.1]
        """
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Returns names and values.

        Example:
            >>> from amalthea import utils
            >>> list(utils.Config(rate=0.1).items())
            [('rate', 0.1)]
        """
        return self._config.items()
