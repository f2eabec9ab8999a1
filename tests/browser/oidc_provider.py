"""An OpenID Connect provider on loopback: discovery, a page to choose who one is, tokens signed with RS256, keys."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "edgeft", "a secret of this test"


class Provider(ThreadingHTTPServer):
    """Knows everybody who claims to be somebody.

    Attributes:
        people: e-mail address -> whether it was verified.
    """

    def __init__(self, people: dict[str, bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.people = people
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, tuple[str, str]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def choice(self, query: dict[str, str]) -> str:
        """A page with one link per person, each with a code of its own back to whoever asked."""
        links = []
        for email in self.people:
            code = secrets.token_urlsafe()
            self.codes[code] = (email, query.get("nonce", ""))
            target = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
            links.append(f'<a href="{target.replace("&", "&amp;")}">{email}</a>')
        return f"<title>Who are you?</title><link rel='icon' href='data:,'>{'<br>'.join(links)}"

    def tokens(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer to a code, which holds once."""
        email, nonce = self.codes.pop(form["code"])
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "sub": email,
            "nonce": nonce,
            "email": email,
            "email_verified": self.people[email],
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(place.query).items()}
            known = query["client_id"] == CLIENT_ID
            self._answer(self.server.choice(query) if known else "", "text/html", 200 if known else 400)
        elif place.path == "/keys":
            self._answer(json.dumps({"keys": [self.server.key.as_dict(private=False)]}))
        else:
            self._answer(json.dumps(self.server.metadata()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not self._is_client():
            self._answer('{"error": "invalid_client"}', status=401)
            return
        self._answer(json.dumps(self.server.tokens({key: one[0] for key, one in parse_qs(body).items()})))

    def _is_client(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        name, _, secret = base64.b64decode(given).decode().partition(":")
        return (unquote(name), secret) in {
            (CLIENT_ID, CLIENT_SECRET),
            (CLIENT_ID, quote(CLIENT_SECRET)),
        }

    def _answer(self, text: str, kind: str = "application/json", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Tests are told by what fails."""


@contextmanager
def provider_of(people: dict[str, bool]) -> Iterator[Provider]:
    """A provider that is there for as long as the block."""
    with Provider(people) as provider:
        thread = threading.Thread(target=provider.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
