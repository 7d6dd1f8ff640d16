"""The SMART linter: whether a target can be known, shown and reached before a message goes out."""
