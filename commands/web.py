"""`elib web`: the pages for stewards and partners on 127.0.0.1:8081, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

DEFAULT_PORT = 8081
PORT_VARIABLE = "ELIB_WEB_PORT"
PROXIES_VARIABLE = "ELIB_WEB_BEHIND"


def web(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, envvar=PORT_VARIABLE, help="The port.")] = DEFAULT_PORT,
    behind: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            envvar=PROXIES_VARIABLE,
            help="The proxies whose X-Forwarded-For counts: addresses or networks, with commas between.",
        ),
    ] = "",
) -> int:
    """Serve the console and the library."""
    import msgspec
    import uvicorn

    from schemas import environment
    from web import create_app
    from web.server import declared_proxies, server_config
    from web.settings import UnsafeSettings, check_public, web_settings

    env = environment()
    try:
        settings = web_settings(env)
        proxies = declared_proxies(behind)
        check_public(host, settings, proxies)
    except UnsafeSettings as error:
        print(error, file=sys.stderr)
        return 1
    app = create_app(env, msgspec.structs.replace(settings, listens_at=f"http://{host}:{port}"))
    print(f"The library is on http://{host}:{port}/", flush=True)
    print(f"The console is on http://{host}:{port}/console; `elib user add NAME` makes an account.", flush=True)
    if settings.is_https and not proxies:
        print(f"{PROXIES_VARIABLE} names no proxy: all who come through it count as one client.", file=sys.stderr)
    uvicorn.Server(server_config(app, host, port, proxies)).run()
    return 0
