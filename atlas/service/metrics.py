"""Prometheus metrics of a service: its figures and the faults of its bus, read at each scrape."""

import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from atlas.domain import Unavailable

log = structlog.get_logger("atlas.service")

Figures = Mapping[str, float | int | str]
Faults = Mapping[tuple[str, Any], int]


class _ServiceCollector(Collector):
    def __init__(self, service: str, figures: Callable[[], Figures], faults: Callable[[], Faults]) -> None:
        self._service, self._figures, self._faults = service, figures, faults

    def collect(self) -> Iterator[Metric]:
        """The figures that are numbers as gauges, the faults as one counter."""
        try:
            figures = self._figures()
        except Exception:
            log.exception("the figures cannot be had, and a scrape fails")
            raise
        for name, value in figures.items():
            if isinstance(value, str):
                continue
            gauge = GaugeMetricFamily(f"atlas_{re.sub(r'[^a-z0-9_]', '_', name.lower())}", name, labels=["service"])
            gauge.add_metric([self._service], float(value))
            yield gauge
        faults = CounterMetricFamily(
            "atlas_bus_faults", "messages and peers that were refused", labels=["service", "socket", "kind"]
        )
        for (socket, kind), count in sorted(self._faults().items()):
            faults.add_metric([self._service, socket, kind], count)
        yield faults


ReportMalformed = Callable[[str, str], None]
"""Called with the source and what was wrong."""

_SILENT_SECONDS = 10.0
_END_SEEN_AFTER_SECONDS = 0.1


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is no news."""


class MetricsServer:
    """Serves `/metrics` on threads of its own. What is no HTTP is reported and harms nobody.

    Raises:
        Unavailable: the port is taken.
    """

    def __init__(
        self,
        service: str,
        address: str,
        port: int,
        figures: Callable[[], Figures],
        faults: Callable[[], Faults],
        report: ReportMalformed,
    ) -> None:
        registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        registry.register(_ServiceCollector(service, figures, faults))

        class Handler(WSGIRequestHandler):
            timeout = _SILENT_SECONDS

            def get_stderr(self) -> TextIO:
                """Why a scrape failed is logged where it did."""
                return io.StringIO()

            def log_message(self, *_: Any) -> None:
                """Scrapes are not logged."""

            def log_error(self, format: str, *arguments: Any) -> None:  # noqa: A002 # the name in the library
                report(str(self.client_address[0]), format % arguments)

        try:
            self._server = make_server(address, port, make_wsgi_app(registry), _Server, handler_class=Handler)
        except OSError as error:
            raise Unavailable(
                f"the metrics port {address}:{port} of {service} cannot be used ({error.strerror}); set {service}.metrics_port"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _END_SEEN_AFTER_SECONDS}, name="metrics", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1.0)


def text_figures(figures: Mapping[str, Any]) -> dict[str, float | int | str]:
    """Figures as the control socket carries them: numbers and text."""
    return {name: value if isinstance(value, (int, float, str)) else str(value) for name, value in figures.items()}
