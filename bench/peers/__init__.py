"""The same forty segments by hand, in each way one would do it without this engine."""
