"""The embedded world: word problems, and two small models that were trained on them (benchmarks/world/)."""
