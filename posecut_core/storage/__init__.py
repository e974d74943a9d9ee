"""Bytes that survive: the disk seam, atomic files, locks, journals, tables and YAML."""
