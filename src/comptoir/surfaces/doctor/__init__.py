"""The doctor: looks at everything that must add up, says what does not, what that means and what to do; repairs on demand."""

from comptoir.surfaces.doctor.checks import CHECKS, Check, Finding, examine, treat

__all__ = ["CHECKS", "Check", "Finding", "examine", "treat"]
