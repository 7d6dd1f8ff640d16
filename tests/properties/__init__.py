"""Random lines on random data: oracle and engine must agree."""
