"""Benchmarks with their peers: one command, the same members from every method."""
