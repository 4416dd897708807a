"""The intermediate representation: tensors, variables, traces, graphs, and the protocol that a backend fulfils."""
