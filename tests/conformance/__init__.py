"""Cases that a marketer can read, run on the oracle and on the engine."""
