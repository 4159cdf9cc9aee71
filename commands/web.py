"""`elib web`: the pages for stewards and partners on 127.0.0.1:8081, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

DEFAULT_PORT = 8081
PORT_VARIABLE = "ELIB_WEB_PORT"


def web(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, envvar=PORT_VARIABLE, help="The port.")] = DEFAULT_PORT,
    behind: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The proxy whose word on the client's address counts.")
    ] = "127.0.0.1",
) -> int:
    """Serve the console and the library."""
    import msgspec
    import uvicorn

    from schemas import environment
    from web import create_app
    from web.settings import UnsafeSettings, check_public, web_settings

    env = environment()
    try:
        settings = web_settings(env)
        check_public(host, settings)
    except UnsafeSettings as error:
        print(error, file=sys.stderr)
        return 1
    app = create_app(env, msgspec.structs.replace(settings, listens_at=f"http://{host}:{port}"))
    print(f"The library is on http://{host}:{port}/", flush=True)
    print(f"The console is on http://{host}:{port}/console; `elib user add NAME` makes an account.", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", forwarded_allow_ips=behind, server_header=False)
    return 0
