"""The embedded world: word problems, two small models that were trained on them, and the recipe."""
