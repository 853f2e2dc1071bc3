from .mcp import (
    check_open as check_open,
    serve_http as serve_http,
    serve_stdio as serve_stdio,
)
