"""The intermediate representation: tensors, variables, traces, graphs, and the protocol of backends."""
