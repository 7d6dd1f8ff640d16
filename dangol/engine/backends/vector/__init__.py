"""The numpy backend: conditions and values of all customers at once."""

from dangol.engine.backends.vector.evaluation import Arms, Entries, Evaluation

__all__ = ["Arms", "Entries", "Evaluation"]
