"""Labels: the table in memory, and CollectedData files."""
