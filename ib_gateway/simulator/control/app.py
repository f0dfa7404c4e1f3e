"""The routes of the control API. They decide nothing: each is one call on the gateway."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from atlas.domain import AtlasError, iso
from ib_gateway.simulator.control.guard import BodyLimit, OwnNames, OwnPages, names_of
from ib_gateway.simulator.control.schema import FAULT, describe, faults_by_kind
from ib_gateway.simulator.faults import Active, Scenario, fault_of, parse, shipped
from ib_gateway.simulator.faults import load as load_scenario
from ib_gateway.simulator.faults.model import is_plain
from ib_gateway.simulator.messages import Contract, Ticket

if TYPE_CHECKING:
    from ib_gateway.simulator.server.gateway import SimulatedGateway


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError(f"{text!r} has control characters")
    return text


Text = Annotated[str, AfterValidator(_plain)]
Price = Annotated[float, Field(ge=-1e9, le=1e9)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Seconds(_Asked):
    """How much virtual time is to pass."""

    seconds: float


class Speed(_Asked):
    """Virtual seconds per real second; 0 is as fast as clients read."""

    speed: float


class ScenarioToPlay(_Asked):
    """The name of a shipped scenario, or the YAML text of one."""

    name: str | None = None
    yaml: str | None = None


class HandOrder(_Asked):
    """An order entered by hand at the broker's own terminal. It belongs to no client until client 0 binds it."""

    con_id: Annotated[int, Field(ge=0, lt=2**31)] = 0
    symbol: Text = ""
    sec_type: Text = ""
    exchange: Text = ""
    currency: Text = ""
    local_symbol: Text = ""
    account: Text = ""
    action: Text
    quantity: Annotated[float, Field(gt=0, le=1e12)]
    order_type: Text = "MKT"
    limit_price: Price | None = None
    aux_price: Price | None = None
    time_in_force: Text = "DAY"

    def contract(self) -> Contract:
        """What is to be traded."""
        return Contract(
            con_id=self.con_id, symbol=self.symbol, sec_type=self.sec_type, exchange=self.exchange, currency=self.currency,
            local_symbol=self.local_symbol,
        )  # fmt: skip

    def ticket(self) -> Ticket:
        """How it is to be traded."""
        return Ticket(
            action=self.action, quantity=self.quantity, order_type=self.order_type, limit_price=self.limit_price,
            aux_price=self.aux_price, time_in_force=self.time_in_force, account=self.account,
        )  # fmt: skip


def build_app(gateway: "SimulatedGateway", host: str = "127.0.0.1") -> FastAPI:
    """The application that controls a gateway, for a server that listens on `host`."""
    app = FastAPI(title="Simulated IB Gateway: control", version="1", docs_url=None, redoc_url=None)

    @app.exception_handler(AtlasError)
    async def refused(_: Request, error: AtlasError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        wrong = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
        return JSONResponse({"detail": wrong}, status_code=422)

    app.add_middleware(BodyLimit)
    app.add_middleware(OwnPages)
    app.add_middleware(OwnNames, allowed_hosts=names_of(host), www_redirect=False)  # looks before the others

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        return files(__package__).joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/state")
    async def state() -> dict[str, Any]:
        """How the gateway stands: running, frozen, restarting, waiting-for-two-factor or port-taken."""
        scenario = gateway.faults.scenario
        return {
            "state": gateway.faults.state,
            "port": gateway.port,
            "accounts": list(gateway.accounts),
            "clients": len(gateway.terminal.clients()),
            "active_faults": len(gateway.faults.active()),
            "scenario": scenario.name if scenario else None,
            **_clock(gateway),
        }

    _add_faults(app, gateway)
    _add_scenarios(app, gateway)
    _add_clock(app, gateway)
    _add_terminal(app, gateway)
    describe(app)
    return app


def _add_faults(app: FastAPI, gateway: "SimulatedGateway") -> None:
    @app.get("/faults/kinds")
    async def kinds() -> dict[str, Any]:
        """Every fault that can be injected, with its JSON schema."""
        return faults_by_kind()

    @app.get("/faults")
    async def active() -> list[dict[str, Any]]:
        """Faults in force, the oldest first."""
        return [_active(one) for one in gateway.faults.active()]

    @app.post("/faults", status_code=201, openapi_extra={"requestBody": {"content": {"application/json": {"schema": FAULT}}}})
    async def inject(fault: Annotated[dict[str, Any], Body()]) -> dict[str, int]:
        """Let a fault happen. The id clears it, if it lasts."""
        return {"id": gateway.faults.inject(fault_of(fault))}

    @app.delete("/faults/{number}", status_code=204)
    async def clear(number: int) -> None:
        """End a fault. 404 if it is over, or never was."""
        if not gateway.faults.clear(number):
            raise HTTPException(404, f"no fault {number} is active")

    @app.delete("/faults", status_code=204)
    async def clear_all() -> None:
        """End every fault, and the scenario."""
        gateway.faults.clear_all()

    @app.post("/two-factor/approve", status_code=204)
    async def approve() -> None:
        """Give the second factor. 409 if nothing waits for it."""
        if not gateway.faults.approve():
            raise HTTPException(409, "nothing waits for a second factor")


def _add_scenarios(app: FastAPI, gateway: "SimulatedGateway") -> None:
    @app.get("/scenarios")
    async def scenarios() -> dict[str, str]:
        """The shipped scenarios, by name."""
        return {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}

    @app.get("/scenario")
    async def scenario() -> dict[str, Any] | None:
        """The scenario that is played."""
        playing = gateway.faults.scenario
        return _scenario(playing) if playing else None

    @app.put("/scenario")
    async def play(asked: ScenarioToPlay) -> dict[str, Any]:
        """Play a scenario from now, in place of the one before."""
        if (asked.name is None) == (asked.yaml is None):
            raise HTTPException(422, f"give name, one of {', '.join(shipped())}, or yaml")
        if asked.name is not None and asked.name not in shipped():
            raise HTTPException(422, f"there is no scenario {asked.name!r}; there are {', '.join(shipped())}")
        chosen = parse(asked.yaml) if asked.yaml is not None else load_scenario(Path(str(asked.name)))
        return _scenario(gateway.faults.play(chosen))

    @app.delete("/scenario", status_code=204)
    async def stop() -> None:
        """Play no scenario any more; what it has caused stays until it is over or cleared."""
        gateway.faults.stop()


def _add_clock(app: FastAPI, gateway: "SimulatedGateway") -> None:
    @app.get("/clock")
    async def clock() -> dict[str, Any]:
        """The gateway's time."""
        return _clock(gateway)

    @app.post("/clock/pause")
    async def pause() -> dict[str, Any]:
        """Let time stand."""
        gateway.time.pause()
        return _clock(gateway)

    @app.post("/clock/resume")
    async def resume() -> dict[str, Any]:
        """Let time pass again."""
        gateway.time.resume()
        return _clock(gateway)

    @app.post("/clock/advance")
    async def advance(asked: Seconds) -> dict[str, Any]:
        """Let so much time pass as fast as clients read, and then stand; answered once it has passed."""
        await gateway.time.advance(asked.seconds)
        return _clock(gateway)

    @app.post("/clock/speed")
    async def speed(asked: Speed) -> dict[str, Any]:
        """Let time pass faster or slower."""
        gateway.time.set_speed(asked.speed)
        return _clock(gateway)


def _add_terminal(app: FastAPI, gateway: "SimulatedGateway") -> None:
    @app.get("/clients")
    async def clients() -> list[dict[str, Any]]:
        """Who is connected."""
        return [row._asdict() for row in gateway.terminal.clients()]

    @app.get("/orders")
    async def orders() -> list[dict[str, Any]]:
        """The orders of the day, standing or done, of all clients."""
        return [row._asdict() for row in gateway.terminal.orders()]

    @app.get("/executions")
    async def executions() -> list[dict[str, Any]]:
        """The executions of the day."""
        return [row._asdict() for row in gateway.terminal.executions()]

    @app.get("/accounts")
    async def accounts() -> dict[str, Any]:
        """Positions and cash of every account."""
        found: dict[str, Any] = {account: {"positions": {}, "cash": {}} for account in gateway.accounts}
        for (account, instrument), quantity in gateway.terminal.positions().items():
            found[account]["positions"][instrument] = quantity
        for (account, currency), amount in gateway.terminal.cash().items():
            found[account]["cash"][currency] = amount
        return found

    @app.post("/orders", status_code=201)
    async def enter(order: HandOrder) -> dict[str, int]:
        """Enter an order by hand; 422 with IB's words if it is turned down."""
        return {"perm_id": gateway.terminal.enter_order(order.contract(), order.ticket())}

    @app.delete("/orders/{perm_id}", status_code=204)
    async def cancel(perm_id: int) -> None:
        """Cancel any client's order."""
        gateway.terminal.cancel_order(perm_id)

    @app.get("/counters")
    async def counters() -> dict[str, int]:
        """What happened how often."""
        return gateway.counters.as_dict()


def _clock(gateway: "SimulatedGateway") -> dict[str, Any]:
    time = gateway.time
    return {"now": iso(time.now_ns), "now_ns": time.now_ns, "speed": time.speed, "paused": time.paused}


def _active(one: Active) -> dict[str, Any]:
    until = None if one.until_ns is None else iso(one.until_ns)
    return {"id": one.id, "since": iso(one.since_ns), "until": until, "fault": msgspec.to_builtins(one.fault)}


def _scenario(scenario: Scenario) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"fault": msgspec.to_builtins(step.fault)} for step in scenario.steps]
    return {"name": scenario.name, "seed": scenario.seed, "steps": steps}
