"""The slow, obvious evaluator: the meaning of the language, to be read beside its description."""
