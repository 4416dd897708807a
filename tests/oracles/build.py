"""Objects from a table's plain data, in whichever library is at hand."""

MODULES = ("layers", "regularizers", "initializers", "constraints", "losses", "metrics", "optimizers")


def construct(library, module, class_name, config):
    """Instantiate ``library.<module>.<class_name>(**config)``.

    Wherever the config holds ``{"class_name": ..., "config": ...}``, an instance of that class goes in its place,
    found in the first of the library's modules that has the name.
    """
    holder = library
    for name in module.split("."):
        holder = getattr(holder, name)
    return getattr(holder, class_name)(**realise(library, config))


def realise(library, value):
    """The value with every nested description replaced by an instance."""
    if isinstance(value, dict) and set(value) == {"class_name", "config"}:
        return construct(library, module_of(library, value["class_name"]), **value)
    if isinstance(value, dict):
        return {key: realise(library, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(realise(library, item) for item in value)
    return value


def module_of(library, class_name):
    for module in MODULES:
        if hasattr(getattr(library, module), class_name):
            return module
    if hasattr(library.optimizers.schedules, class_name):
        return "optimizers.schedules"
    raise LookupError(f"{class_name} is in none of {', '.join(MODULES)}")


def build_model(library, inputs, nodes, outputs, gather="dictionary"):
    """The model of a training case, from its fields: Sequential where no outputs are named, else functional."""
    symbols = {
        name: library.Input(tuple(spec["shape"]), dtype=spec["dtype"], name=name) for name, spec in inputs.items()
    }
    if not outputs:
        layers = [construct(library, "layers", node["class_name"], node["config"]) for node in nodes]
        return library.Sequential([*symbols.values(), *layers])
    layers, values = {}, dict(symbols)
    for node in nodes:
        if "again" in node:
            name, layer = node["name"], layers[node["again"]]
        else:
            name = node["config"]["name"]
            layer = layers[name] = construct(library, "layers", node["class_name"], node["config"])
        taken = [values[source] for source in node["inputs"]]
        values[name] = layer(taken[0] if len(taken) == 1 else taken)
    return library.Model(gathered(symbols, gather), gathered({name: values[name] for name in outputs}, gather))


def gathered(values, gather):
    if len(values) == 1:
        return next(iter(values.values()))
    return list(values.values()) if gather == "list" else values


def compile_model(library, model, options):
    """Compile with the case's options; descriptions in them become objects."""
    model.compile(**realise(library, options))
