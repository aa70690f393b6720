"""Errors as the API words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The error type that goes with each HTTP status."""


class ApiError(Exception):
    """An answer that is an error; becomes the API's JSON body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or TYPES.get(status, "api_error")
        self.details = details
        self.headers = dict(headers or {})

    def document(self, request_id: str) -> dict[str, Any]:
        """The error as the API's JSON object."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.details is not None:
            error["details"] = dict(self.details)
        return {"type": "error", "error": error, "request_id": request_id}

    def body(self, request_id: str) -> bytes:
        """The error as bytes of JSON."""
        return json.dumps(self.document(request_id)).encode()


def invalid(path: str, problem: str) -> ApiError:
    """A 400 about one field, as `path: problem`."""
    return ApiError(400, f"{path}: {problem}")
