"""The SMART rules that need data: what history says of a target before it is started."""
