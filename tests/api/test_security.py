"""Who is served: loopback without a key, the key's bearer otherwise, and no other site's page."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.errors import install_error_handlers
from api.security import Doorkeeper, Guard, is_loopback


def small_app(api_key: str | None = None) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/thing")
    def read() -> str:
        return "read"

    @app.post("/v1/thing")
    def write() -> str:
        return "written"

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.get("/v1/crash")
    def crash() -> str:
        raise RuntimeError("the password is hunter2")

    install_error_handlers(app)
    app.add_middleware(Guard, doorkeeper=Doorkeeper(SecretStr(api_key) if api_key else None))
    return app


def request(
    app: FastAPI,
    method: str = "GET",
    path: str = "/v1/thing",
    *,
    peer: str = "127.0.0.1",
    base: str = "http://localhost:8000",
    **headers: str,
) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(peer, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(
                method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )

    return asyncio.run(send())


def refusal(response: httpx.Response) -> tuple[int, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", ""])
def test_other_hosts(host: str) -> None:
    assert not is_loopback(host)


def test_without_a_key_this_machine_is_served() -> None:
    assert request(small_app()).status_code == 200
    assert request(small_app(), base="http://127.0.0.1:8000").status_code == 200
    assert request(small_app(), base="http://[::1]:8000", peer="::1").status_code == 200


def test_without_a_key_other_machines_are_refused() -> None:
    assert refusal(request(small_app(), peer="10.0.0.7")) == (403, "forbidden")


def test_a_rebound_host_name_is_refused() -> None:
    assert refusal(request(small_app(), base="http://evil.example:8000")) == (403, "forbidden")
    assert refusal(request(small_app(), path="/healthz", base="http://evil.example")) == (403, "forbidden")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_another_sites_page_cannot_change_anything(origin: str) -> None:
    assert refusal(request(small_app(), "POST", origin=origin)) == (403, "forbidden")


def test_the_own_page_can_change_things() -> None:
    response = request(small_app(), "POST", origin="http://localhost:8000", sec_fetch_site="same-origin")

    assert response.json() == "written"


def test_with_a_key_its_bearer_is_served_from_anywhere() -> None:
    app = small_app(api_key="s3cret")
    response = request(app, peer="10.0.0.7", base="https://docs.example", authorization="Bearer s3cret")

    assert response.status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer"])
def test_any_other_key_is_refused(header: str) -> None:
    app = small_app(api_key="s3cret")
    response = request(app, authorization=header)

    assert refusal(response) == (401, "not_authorized")
    assert response.headers["www-authenticate"] == "Bearer"


def test_no_key_is_refused_but_health_is_open() -> None:
    app = small_app(api_key="s3cret")

    assert refusal(request(app)) == (401, "not_authorized")
    assert request(app, path="/healthz").status_code == 200


def test_every_response_carries_the_security_headers() -> None:
    app = small_app(api_key="s3cret")
    for response in (request(app), request(app, path="/healthz"), request(app, path="/nowhere")):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-request-id"]


def test_a_crash_is_a_problem_that_names_the_request_and_nothing_else() -> None:
    response = request(small_app(), path="/v1/crash")

    assert refusal(response) == (500, "internal_error")
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "hunter2" not in response.text


def test_unknown_paths_and_methods_are_problems_too() -> None:
    nowhere = request(small_app(), path="/v1/nowhere")
    assert refusal(nowhere) == (404, "not_found")
    assert nowhere.json()["instance"] == "/v1/nowhere"

    wrong = request(small_app(), "DELETE")
    assert refusal(wrong) == (405, "method_not_allowed")
    assert wrong.headers["allow"]
