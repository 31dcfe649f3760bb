"""Mappers between outside systems and Comptoir. Each knows only sdk, runtime.http and kernel."""
