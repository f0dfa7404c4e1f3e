"""The HTTP interface: versioned REST, a token for everything but the health, and a first page. Commands are in `commands`."""

import json
import secrets
from importlib.resources import files
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from atlas.domain import AtlasError, BadInput, OrderStatus, OutcomeUnknown, Refused
from services.monitor.commands import build_commands, build_questions
from services.monitor.desk import DeskView

_MOST_ORDERS = 1000
_STATUS_OF_ERROR: dict[type[AtlasError], int] = {BadInput: 422, OutcomeUnknown: 504, Refused: 403, AtlasError: 503}
"""The first that fits. A question without an answer in time is 504, too: the trader is there and silent."""


class _Ascii(JSONResponse):
    """What is told about what somebody sent: it may hold characters that cannot be encoded otherwise."""

    def render(self, content: Any) -> bytes:
        """The content as JSON in ASCII."""
        return json.dumps(content).encode()


def build_app(desk: DeskView, token: str) -> FastAPI:
    """The application. `token` opens every route below /api/v1 but the health."""
    app = FastAPI(title="Atlas", version="1", openapi_url=None)  # no pages of the library's: they load scripts from elsewhere
    bearer = HTTPBearer(auto_error=False)

    def need_token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        given = credentials.credentials if credentials is not None else ""
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise HTTPException(401, "a valid token is needed; `atlas token` prints it", {"WWW-Authenticate": "Bearer"})

    @app.exception_handler(AtlasError)
    async def failed(_: Request, error: AtlasError) -> JSONResponse:
        status = next(code for kind, code in _STATUS_OF_ERROR.items() if isinstance(error, kind))
        return _Ascii({"detail": str(error)}, status_code=status)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return _Ascii({"detail": jsonable_encoder(error.errors())}, status_code=422)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        return files(__package__).joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/api/v1/health")
    async def health(response: Response) -> dict[str, Any]:
        """Whether every service does its job. 503 when one does not."""
        well, services = await desk.health()
        response.status_code = 200 if well else 503
        return {"status": "ok" if well else "degraded", "services": services}

    @app.get("/api/v1/openapi.json", dependencies=[Depends(need_token)], include_in_schema=False)
    async def schema() -> dict[str, Any]:
        return app.openapi()

    @app.get("/api/v1/status", dependencies=[Depends(need_token)])
    async def status() -> dict[str, Any]:
        """Every service with its state, figures and problems."""
        return {"services": await desk.status()}

    @app.get("/api/v1/orders", dependencies=[Depends(need_token)])
    async def orders(
        limit: Annotated[int, Query(ge=1, le=_MOST_ORDERS)] = 100,
        robot: Annotated[str, Query(pattern=r"^[a-z0-9_-]{0,32}$")] = "",
        status: OrderStatus | None = None,
        instrument: Annotated[str, Query(pattern=r"^[A-Z0-9 .@:^-]{0,64}$")] = "",
    ) -> dict[str, Any]:
        """The orders that changed last, newest first."""
        return {"orders": await desk.orders(limit, robot, status.value if status is not None else "", instrument)}

    @app.get("/api/v1/positions", dependencies=[Depends(need_token)])
    async def positions() -> dict[str, Any]:
        """What the account holds by the trader's books."""
        return await desk.positions()

    for router in (build_commands(desk), build_questions(desk)):
        app.include_router(router, prefix="/api/v1", dependencies=[Depends(need_token)])
    return app
