"""What is damaged in a project and how to mend it."""
