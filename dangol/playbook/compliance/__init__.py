"""The rules that messages are held to by law and by providers: a table, checks of texts, and hours."""
