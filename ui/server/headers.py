"""Headers that keep the page to itself: nothing is loaded from elsewhere, whatever a model says."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "  # gr.HTML: new Function
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'self'; base-uri 'self'; "
    "form-action 'self'"
)
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class SecurityHeaders:
    """Adds the headers to each answer and leaves bodies, streamed ones too, as they are."""

    def __init__(self, app: ASGIApp, embed_in: str = "") -> None:
        """Wrap an ASGI app; the sites in `embed_in` may show it in a frame."""
        self.app = app
        policy = CSP.replace("frame-ancestors 'self'", f"frame-ancestors 'self' {embed_in}".rstrip())
        self.headers = [(b"content-security-policy", policy.encode("latin-1", "replace")), *HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.headers]
            await send(message)

        await self.app(scope, receive, send_with if scope["type"] == "http" else send)
