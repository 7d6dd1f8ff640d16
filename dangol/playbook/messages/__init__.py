"""Messages: their templates, filters and variables, and what of them is wrong before any data is read."""
