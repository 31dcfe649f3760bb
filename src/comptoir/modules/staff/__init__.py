"""Who works here: users, their sessions, API tokens, and the audit trail."""
