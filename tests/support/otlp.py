"""A receiver of OpenTelemetry metrics on this machine, and what it was sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

KINDS = {"sum": "counter", "gauge": "gauge", "exponential_histogram": "timer"}
Labels = frozenset[tuple[str, str]]


@dataclass
class Received:
    """Each metric, and its latest value for each set of labels; of a timer the sum of its milliseconds."""

    endpoint: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[Labels, float]] = field(default_factory=dict)

    def add(self, body: bytes) -> None:
        request = ExportMetricsServiceRequest.FromString(body)
        scopes = (scope for resource in request.resource_metrics for scope in resource.scope_metrics)
        for metric in (metric for scope in scopes for metric in scope.metrics):
            form = metric.WhichOneof("data")
            self.kinds[metric.name] = KINDS[form]
            for point in getattr(metric, form).data_points:
                labels = frozenset((each.key, each.value.string_value) for each in point.attributes)
                value = point.sum if form == "exponential_histogram" else point.as_int or point.as_double
                self.values.setdefault(metric.name, {})[labels] = value


@contextmanager
def receiver() -> Iterator[Received]:
    """Listen until the block ends."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.add(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        received.endpoint = f"http://127.0.0.1:{server.server_port}/v1/metrics"
        yield received
        server.shutdown()
