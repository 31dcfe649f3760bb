"""What routing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownRuleSet(NotFound):
    code = "unknown_rule_set"
    title = "No such rule set"


class RuleSetCodeTaken(Conflict):
    """`data["code"]` names another rule set already."""

    code = "rule_set_code_taken"
    title = "Another rule set has this code"


class RuleSetRetired(Conflict):
    """What is retired stays as it was, so that its decisions can be explained. A copy may be made of it."""

    code = "rule_set_retired"
    title = "The rule set is retired"
