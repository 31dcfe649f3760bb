"""What staff refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, Forbidden, NotFound, Refusal


class UnknownUser(NotFound):
    code = "unknown_user"
    title = "No such user"


class UnknownToken(NotFound):
    code = "unknown_token"
    title = "No such API token"


class EmailTaken(Conflict):
    """`data["email"]` is another user's already."""

    code = "email_taken"
    title = "Another user has this e-mail address"


class LastOwner(Conflict):
    """Without an owner nobody could ever manage users again."""

    code = "last_owner"
    title = "This is the last active owner"


class SignInRefused(Refusal):
    """The address and the password do not belong together, or the user is not active: which of them is not said."""

    code = "sign_in_refused"
    status = 401
    title = "E-mail address or password is wrong"


class Unauthenticated(Refusal):
    """No token or session, or none that holds. `data["reason"]` is missing, unknown, expired or revoked."""

    code = "unauthenticated"
    status = 401
    title = "Sign in or send a valid token"


class NotPermitted(Forbidden):
    """`data["permission"]` is what is lacking."""

    code = "not_permitted"
    title = "You are not allowed to do this"


class OtherLocation(Forbidden):
    """Who asks is limited to some locations, and this belongs to another one, or to the company. `data["named"]` is what they
    named that is not theirs; without it they named nothing that is.
    """

    code = "other_location"
    title = "This belongs to another location"


class LocationBeyondYou(Forbidden):
    """Nobody gives what they do not have: whoever is limited to some locations limits others to some of those."""

    code = "location_beyond_you"
    title = "You cannot let others work where you do not"


class ScopeBeyondYou(Forbidden):
    """Nobody gives what they do not have. `data["scopes"]` are the scopes in question."""

    code = "scope_beyond_you"
    title = "A token cannot do more than the person who makes it"
