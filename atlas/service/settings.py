"""The schema of the configuration: every setting of the desk, its type, its default and what it is for. Frozen, and closed."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from atlas.domain import BadInput, ConfigurationError, parse_instrument_id
from atlas.market.windows import Schedule, schedule_of
from atlas.service.client_ids import SERVICES, check_client_ids
from atlas.trading.risk import DESK, OPERATOR, Limits, LimitTree, SessionDays
from atlas.trading.risk.limits import Amount, Count

ENVIRONMENT_PREFIX = "ATLAS_"

Port = int
"""A TCP port; 0 is refused: peers have to know it."""


def _checked_ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    for instrument in ids:
        try:
            parse_instrument_id(instrument)
        except BadInput as error:
            raise ValueError(str(error)) from None
    return ids


class Section(BaseModel):
    """A part of the schema: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class BusSettings(Section):
    """The ZeroMQ links between services."""

    curve: bool = Field(True, description="encrypt and authenticate every link; off only for measuring")
    secret_keys_dir: Path | None = Field(None, description="private keys; <state_dir>/keys/secret when unset")
    public_keys_dir: Path | None = Field(None, description="public keys of all services; <state_dir>/keys/public when unset")
    cli_name: str = Field(
        "cli",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="whose key the command line shows; another one on each machine or container that shares the public keys",
    )


class DatabaseSettings(Section):
    """MongoDB."""

    url: str = Field("mongodb://127.0.0.1:27017/", description="server or replica set, without user and password")
    name: str = Field("atlas", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="database name")
    user: str = Field("", description="user; no authentication when unset")
    password: SecretStr = Field(SecretStr(""), description="password; better give password_file")
    password_file: Path | None = Field(None, description="file that holds the password")
    start_timeout_seconds: float = Field(10.0, gt=0, description="how long a start waits for the server")

    @field_validator("url")
    @classmethod
    def _url_holds_no_secret(cls, url: str) -> str:
        if "@" in url:
            raise ValueError("holds a user or password; give them in database.user and database.password_file")
        return url


class GatewaySettings(Section):
    """The IB gateway, real or simulated."""

    host: str = Field("127.0.0.1", min_length=1)
    port: Port = Field(4002, ge=1, le=65535)
    start_timeout_seconds: float = Field(30.0, gt=0, description="how long a start waits for a first connection")
    request_timeout_seconds: float = Field(10.0, gt=0, description="after this an unanswered request has an unknown outcome")
    messages_per_second: int = Field(
        45,
        ge=1,
        description="sent by all our services together, see <service>.message_share; the broker's limit is 50",
    )
    heartbeat_seconds: float = Field(5.0, gt=0, description="how often the link is proven, or found lost")
    deadline_seconds: float = Field(900.0, gt=0, description="an unexplained loss that lasts so long is critical")
    attempts_before_help: int = Field(20, ge=1, description="failed attempts to connect, after which a restart is asked for")
    time_zone: str = Field("America/New_York", description="of restart_time, login_time and interruptions")
    restart_time: str = Field("never", description="when it restarts by itself every day, as 23:45; or never")
    restart_minutes: int = Field(5, ge=1, le=720, description="how long its restart may take")
    login_time: str = Field("never", description="when it is started anew on Sundays and a person approves the login; or never")
    login_minutes: int = Field(60, ge=1, le=720, description="how long that person may take")
    reset_region: Literal["america", "europe", "asia", "none"] = Field(
        "none", description="whose daily resets of the broker's servers apply; none for a simulated gateway"
    )
    interruptions: tuple[str, ...] = Field((), description="others that are known, as 00:15-01:45 or fri,sat 23:00-03:00")

    @model_validator(mode="after")
    def _times_can_be_told(self) -> "GatewaySettings":
        try:
            self.schedule()
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self

    def schedule(self) -> Schedule:
        """When the link is known to go away.

        Raises:
            BadInput: a time or zone is none.
        """
        return schedule_of(
            zone=self.time_zone,
            restart=self.restart_time,
            restart_minutes=self.restart_minutes,
            cold_restart=self.login_time,
            login_minutes=self.login_minutes,
            region=self.reset_region,
            interruptions=self.interruptions,
        )


class ServiceSettings(Section):
    """What every service has."""

    host: str = Field("127.0.0.1", min_length=1, description="where other services find it")
    metrics_port: Port = Field(..., ge=1, le=65535, description="Prometheus metrics over HTTP")
    control_port: Port = Field(..., ge=1, le=65535, description="control socket")


class WatcherSettings(ServiceSettings):
    """Market data in, bars out."""

    control_port: Port = Field(5560, ge=1, le=65535, description="control socket")
    metrics_port: Port = Field(9101, ge=1, le=65535, description="Prometheus metrics over HTTP")
    data_port: Port = Field(5561, ge=1, le=65535, description="market data, published")
    request_port: Port = Field(5562, ge=1, le=65535, description="market requests")
    client_id: int = Field(SERVICES["watcher"], ge=1, description="API client id at the gateway")
    message_share: float = Field(0.35, gt=0, le=1, description="part of gateway.messages_per_second that is the watcher's")
    bar_seconds: tuple[int, ...] = Field((5, 60), description="periods of the bars that are built")
    market_data_lines: int = Field(100, ge=1, description="instruments that may be watched at once")
    tick_seconds: float = Field(10.0, gt=0, description="silence after a subscription, after which it is made again")
    stale_seconds: float = Field(60.0, gt=0, description="silence of an instrument that is counted as stale")
    tick_by_tick_lines: int = Field(
        5, ge=0, description="streams of every tick; a currency pair takes one, others two; the rest get samples"
    )
    overflow: Literal["conflate", "wait"] = Field(
        "conflate",
        description="slow subscribers: conflate quotes, or make the market wait (only against a recording)",
    )


class RiskSettings(Section, Limits):
    """Limits that an opening order must keep; a closing one is never refused. They hold for the whole desk at once.

    `accounts`, `robots` and `instruments` set limits for a part of it, which hold besides: the strictest wins.
    """

    max_order_quantity: Amount | None = Field(1_000_000.0, description="units of one order")
    max_position: Amount | None = Field(5_000_000.0, description="absolute units that may come to be held of one instrument")
    max_working_orders: Count | None = Field(1000, description="orders that are not final yet")
    session_start: str = Field("17:00", description="when a session day begins, local to session_time_zone")
    session_time_zone: str = Field("America/New_York", description="where session days are counted")
    accounts: dict[str, Limits] = Field(default_factory=dict, description="limits of one account, by its id")
    robots: dict[str, Limits] = Field(default_factory=dict, description="limits of one robot, by its id")
    instruments: dict[str, Limits] = Field(default_factory=dict, description="limits of one instrument, by its id")

    @model_validator(mode="after")
    def _days_can_be_told(self) -> "RiskSettings":
        try:
            self.session_days()
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self

    @field_validator("instruments")
    @classmethod
    def _instruments_are_ids(cls, limits: dict[str, Limits]) -> dict[str, Limits]:
        _checked_ids(tuple(limits))
        return limits

    def tree(self) -> LimitTree:
        """All limits, by scope."""
        parts = (("account", self.accounts), ("robot", self.robots), ("instrument", self.instruments))
        desk = Limits(**{name: getattr(self, name) for name in Limits.model_fields})
        return LimitTree({DESK: desk, **{f"{kind}:{name}": one for kind, part in parts for name, one in part.items()}})

    def session_days(self) -> SessionDays:
        """When session days begin.

        Raises:
            BadInput: the time or its zone is none.
        """
        return SessionDays(self.session_start, self.session_time_zone)


class TraderSettings(ServiceSettings):
    """Orders out, reports in."""

    control_port: Port = Field(5570, ge=1, le=65535, description="control socket")
    metrics_port: Port = Field(9102, ge=1, le=65535, description="Prometheus metrics over HTTP")
    order_port: Port = Field(5563, ge=1, le=65535, description="order commands")
    event_port: Port = Field(5564, ge=1, le=65535, description="order events, published")
    name: str = Field(
        "trader", pattern=r"^[a-z0-9_-]{1,32}$", description="its own on each trader of a desk: names its journal"
    )
    client_id: int = Field(SERVICES["trader"], ge=1, description="API client id at the gateway; the owner of our orders")
    message_share: float = Field(0.65, gt=0, le=1, description="part of gateway.messages_per_second that is the trader's")
    account: str = Field("", description="account to trade: its id, or its place in the login from 0; the first when unset")
    mode: Literal["paper", "live"] = Field("paper", description="whether real money is meant; account and port must agree")
    broker: Literal["ib", "paper"] = Field("ib", description="who fills orders: the gateway, or our own paper broker")
    operators: tuple[str, ...] = Field(
        ("cli", "cli-*", "monitor"),
        description="whose keys may halt, cancel everything and change limits; * stands for anything",
    )
    foreign_orders: Literal["adopt", "claim", "quarantine"] = Field(
        "adopt",
        description="orders in the account that are not ours: adopt them; claim them for robots; or block their instrument",
    )
    claims: dict[str, str] = Field(
        default_factory=dict, description="whose they are when claimed: robot by beginning of the reference, or by instrument"
    )
    probe_after_seconds: float = Field(5.0, gt=0, description="silence after which an order waits for a probe")
    send_within_seconds: float = Field(10.0, gt=0, description="an opening order that could not leave for so long is denied")
    in_flight_seconds: float = Field(10.0, gt=0, description="after this an unconfirmed order is looked up at the broker")
    unheard_minutes: float = Field(
        10.0,
        gt=0,
        description="an order that the broker neither confirms nor lists stays unknown so long; thrice in one session",
    )
    restart_gate_seconds: float = Field(60.0, ge=0, description="nothing is sent so long before a known restart of the broker")
    preflight: bool = Field(True, description="prove at the start, by an order that is only asked about, that orders are taken")
    preflight_instrument: str = Field("EUR.USD@IDEALPRO", description="what that order is for")
    reconcile_seconds: float = Field(60.0, gt=0, description="how often all orders and positions are compared with the broker")
    fault_point: str = Field("", description="for tests: where the process kills itself, see services.trader.faults")
    risk: RiskSettings = RiskSettings()


class PaperSettings(Section):
    """The paper account, where trader.broker is paper: the plainest rules, and what makes them more lifelike."""

    account: str = Field("DUPAPER", pattern=r"^D[A-Za-z0-9]{1,31}$", description="its name")
    base_currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="in which it is valued")
    cash: dict[str, float] = Field({"USD": 1_000_000.0}, description="what it is opened with, by currency")
    margin: bool = Field(True, description="reject what the account could not carry")
    fees: Literal["none", "ib"] = Field("none", description="none, or the broker's price list")
    slippage_ticks: float = Field(0.0, ge=0, description="ticks by which fills are worse than the first level")
    slippage_percent: float = Field(0.0, ge=0, description="percent of the price by which they are, on top")
    latency_ms: float = Field(0.0, ge=0, description="milliseconds from a request to its arrival at the exchange")
    partial_fills: bool = Field(False, description="fill no more than the first level displays")
    hours: Literal["real", "always"] = Field("real", description="fill in trading hours only, or whenever there is a quote")
    reference_rates: dict[str, float] = Field(
        default_factory=dict, description="base currency for one of another, until their pair is quoted"
    )


class RobotSettings(Section):
    """One robot: a strategy on its instruments."""

    id: str = Field(..., pattern=r"^[a-z0-9_-]{1,32}$")
    strategy: str = Field(..., description="file name below strategy.folder, without .py")
    instruments: tuple[str, ...] = Field(..., min_length=1)
    parameters: dict[str, Any] = Field(default_factory=dict)

    @field_validator("instruments")
    @classmethod
    def _instruments_are_ids(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_ids(ids)


_QUICK = {"bar_seconds": 5, "fast": 3, "slow": 9}  # so that a desk without a configuration shows its first orders in a minute


class StrategySettings(ServiceSettings):
    """The robots."""

    control_port: Port = Field(5580, ge=1, le=65535, description="control socket")
    metrics_port: Port = Field(9103, ge=1, le=65535, description="Prometheus metrics over HTTP")
    folder: Path = Field(Path("strategies"), description="where strategy files lie")
    mailbox_size: int = Field(100_000, ge=1000, description="messages that may wait for the robots")
    route: Literal["direct", "database"] = Field(
        "direct", description="how orders reach the trader: over its socket, or through the database alone"
    )
    account: str = Field("", description="route database: whose trader takes the orders; unset if the database has but one")
    robots: tuple[RobotSettings, ...] = (
        RobotSettings(id="sma-eurusd", strategy="sma_cross", instruments=("EUR.USD@IDEALPRO",), parameters=_QUICK),
        RobotSettings(id="sma-gbpusd", strategy="sma_cross", instruments=("GBP.USD@IDEALPRO",), parameters=_QUICK),
        RobotSettings(
            id="sma-aapl", strategy="sma_cross", instruments=("AAPL@SMART",), parameters={**_QUICK, "quantity": 100.0}
        ),
    )

    @field_validator("robots")
    @classmethod
    def _ids_are_unique(cls, robots: tuple[RobotSettings, ...]) -> tuple[RobotSettings, ...]:
        names = [robot.id for robot in robots]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two robots are called {', '.join(sorted(twice))}")
        if OPERATOR in names:
            raise ValueError(f"no robot may be called {OPERATOR}: that is who flattens positions while trading is halted")
        return robots


class MonitorSettings(ServiceSettings):
    """What people look at."""

    control_port: Port = Field(5590, ge=1, le=65535, description="control socket")
    metrics_port: Port = Field(9104, ge=1, le=65535, description="Prometheus metrics over HTTP")
    http_port: Port = Field(8080, ge=1, le=65535, description="REST and web page")
    token_file: Path | None = Field(None, description="the access token; <state_dir>/monitor.token when unset")


class LogSettings(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else JSON lines")


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    state_dir: Path = Field(Path("var"), description="journals, keys and tokens")
    bind_address: str = Field("127.0.0.1", min_length=1, description="where services listen")
    bus: BusSettings = BusSettings()
    database: DatabaseSettings = DatabaseSettings()
    gateway: GatewaySettings = GatewaySettings()
    watcher: WatcherSettings = WatcherSettings()
    trader: TraderSettings = TraderSettings()
    paper: PaperSettings = PaperSettings()
    strategy: StrategySettings = StrategySettings()
    monitor: MonitorSettings = MonitorSettings()
    log: LogSettings = LogSettings()

    @field_validator("trader")
    @classmethod
    def _client_ids_differ(cls, trader: TraderSettings, info: ValidationInfo) -> TraderSettings:
        if isinstance(watcher := info.data.get("watcher"), WatcherSettings):
            try:
                check_client_ids({"watcher": watcher.client_id, "trader": trader.client_id})
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return trader

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at nothing but what `load` hands over: it has read the sources and knows where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def secret_keys_dir(self) -> Path:
        """Where private keys lie."""
        return self.bus.secret_keys_dir or self.state_dir / "keys" / "secret"

    @property
    def public_keys_dir(self) -> Path:
        """Where the public keys of all services lie."""
        return self.bus.public_keys_dir or self.state_dir / "keys" / "public"

    @property
    def monitor_token_file(self) -> Path:
        """Where the monitor's access token lies."""
        return self.monitor.token_file or self.state_dir / "monitor.token"

    def database_password(self) -> str:
        """The database password, from its file if one is named.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        if self.database.password_file is None:
            return self.database.password.get_secret_value()
        try:
            return self.database.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"database.password_file {self.database.password_file} cannot be read ({error.strerror}); "
                "name a readable file or unset it"
            ) from error
