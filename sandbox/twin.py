"""What every twin offers to the house that opens its doors."""

from typing import Protocol

from fastapi import APIRouter

from sandbox.faults import Faults
from sandbox.servers import Listener


class Twin(Protocol):
    """`name` goes in addresses, `title` and `about` are French. `side` holds its own "act as" routes, mounted at
    /twins/<name> on the home port; `start` and `stop` are for doors that do not speak HTTP."""

    name: str
    title: str
    about: str
    faults: Faults

    @property
    def side(self) -> APIRouter: ...

    def listeners(self) -> list[Listener]: ...

    def reset(self) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
