"""An S3 server in a thread of the tests."""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

Respond = Callable[..., Iterable[bytes]]


class _OneByOne:
    """An application that answers one request after the other.

    S3 decides between conditional writes; moto looks first and writes then.
    """

    def __init__(self, application: Respond) -> None:
        self._application, self._lock = application, threading.Lock()

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        with self._lock:
            return list(self._application(environment, start))


@contextmanager
def s3_server() -> Iterator[None]:
    """An S3 server that this process and those it starts use."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = _OneByOne(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield
    server.shutdown()
    thread.join()


def new_bucket() -> str:
    """The URI of an empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"
