"""Labels: edits and their journal, the table in memory, snapshots, and CollectedData files."""
