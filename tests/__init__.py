"""The tests of dangol."""
