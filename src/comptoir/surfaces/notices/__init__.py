"""Notices as letters: worded in the buyer's language, drawn for any screen, handed to a mail server."""
