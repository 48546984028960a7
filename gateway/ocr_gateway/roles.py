"""What a route needs of its caller: `dependencies=[may_read]` or `[may_order]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from .access import WHERE
from .problems import Problem, documented
from .service import Service, service_of
from .tokens import Role

NOT_ALLOWED: Final = "reviewers may look and review; this takes the admin's token"
# For OpenAPI only: it asks for the header, and does not judge it.
_SCHEME = HTTPBearer(auto_error=False, description=f"The admin's or a reviewer's token; {WHERE}.")

REFUSALS: Final[dict[int | str, dict[str, Any]]] = documented(
    no_token=(401, f"send Authorization: Bearer TOKEN; {WHERE}"),
    wrong_token=(401, f"this is not the token; {WHERE}"),
    too_many_attempts=(429, "too many wrong tokens came from this address; wait 6 s"),
)


def needs(least: Role) -> Callable[..., Awaitable[Role]]:
    """A dependency: the caller's role. least: `reviewer` lets the admin in, too."""

    async def role(
        request: Request,
        service: Annotated[Service, Depends(service_of)],
        _shown: Annotated[object, Security(_SCHEME)] = None,
    ) -> Role:
        peer = request.client.host if request.client else ""
        found = service.access.role(request.headers.get("authorization"), peer)
        if least == "admin" and found != "admin":
            raise Problem(403, "not-allowed", NOT_ALLOWED)
        return found

    return role


reader_role, admin_role = needs("reviewer"), needs("admin")
may_read, may_order = Depends(reader_role), Depends(admin_role)
