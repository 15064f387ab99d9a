"""Plays scenes, one at a time, and remembers what happened."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.scenes.scene import Hub, Scene, Step
from sandbox.world import World

KEPT = 50  # plays; the oldest leave first
logger = logging.getLogger("sandbox.stage")


@dataclass(slots=True, kw_only=True)
class Play:
    """One playing of a scene. `trouble` is empty unless the scene stopped before its end."""

    id: int
    scene: Scene
    at: datetime
    steps: list[Step] = field(default_factory=list)
    over: bool = False
    trouble: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def passed(self) -> bool:
        return self.over and not self.trouble and all(step.passed for step in self.steps)

    async def follow(self) -> AsyncIterator[Step]:
        """Every step from the first, each as soon as it happens, until the scene is over."""
        seen = 0
        while seen < len(self.steps) or not self.over:
            async with self.changed:
                while not self.over and seen == len(self.steps):
                    await self.changed.wait()
            for step in self.steps[seen:]:
                seen += 1
                yield step

    async def end(self) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.over)


class Stage:
    def __init__(self, world: World, hub: Hub, scenes: Mapping[str, Scene]) -> None:
        self.scenes = scenes
        self.plays: dict[int, Play] = {}
        self._world = world
        self._hub = hub
        self._last = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def playing(self) -> Play | None:
        return next((play for play in self.plays.values() if not play.over), None)

    def start(self, name: str) -> Play:
        """Begin to play. Raises KeyError for an unknown name; call only when nothing is playing."""
        self._last += 1
        play = Play(id=self._last, scene=self.scenes[name], at=self._world.clock.now())
        self.plays[play.id] = play
        while len(self.plays) > KEPT:
            del self.plays[next(iter(self.plays))]
        task = asyncio.create_task(self._run(play))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return play

    def last(self, name: str) -> Play | None:
        return next((play for play in reversed(self.plays.values()) if play.scene.name == name), None)

    def forget(self) -> None:
        """Drop what is over; a scene being played goes on."""
        self.plays = {id: play for id, play in self.plays.items() if not play.over}

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.playing is not None:
            await self._end(self.playing, "le bac à sable s’est arrêté")

    async def _run(self, play: Play) -> None:
        """A scene that raises is a bug of the scene or a hub that does not answer: said on its page, and logged."""
        inner = asyncio.create_task(self._steps(play))
        try:
            await asyncio.wait({inner})
        finally:
            inner.cancel()
        trouble = None if inner.cancelled() else inner.exception()
        if trouble is not None:
            logger.error("scene %s stopped", play.scene.name, exc_info=trouble)
        await self._end(play, f"{type(trouble).__name__} : {trouble}" if trouble is not None else "")

    async def _end(self, play: Play, trouble: str) -> None:
        async with play.changed:
            play.trouble, play.over = trouble, True
            play.changed.notify_all()

    async def _steps(self, play: Play) -> None:
        async for step in play.scene.play(self._world, self._hub):
            async with play.changed:
                play.steps.append(step)
                play.changed.notify_all()
