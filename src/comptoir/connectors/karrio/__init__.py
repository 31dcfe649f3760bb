"""Karrio: whatever a Karrio server speaks to, through its REST API; the server runs beside, and none of it in our processes."""

from comptoir.connectors.karrio.connector import INFO, Karrio, KarrioAccount, connections_of
from comptoir.connectors.karrio.server import ServerProblem, problem_of, root_of

__all__ = ["INFO", "Karrio", "KarrioAccount", "ServerProblem", "connections_of", "problem_of", "root_of"]
