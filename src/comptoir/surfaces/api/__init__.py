"""REST over JSON: one file per resource, and around them what every route has in common.

`operations` is how a route is declared, `answering` what happens around it, `asking` how a request is read, `problems` how a
failure is told, `openapi` how all of it is described.
"""
