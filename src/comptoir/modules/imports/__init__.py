"""Imports of files: what each run read, and every row that it could not take."""
