"""Forms for settings of a project and of its steps."""
