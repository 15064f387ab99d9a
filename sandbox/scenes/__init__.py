"""The scenes a visitor may play. One module a scene; this is the list of them, in the order of the page."""

from sandbox.scenes import journey, refused_filing, rivals, silence
from sandbox.scenes.scene import Hub, Scene, Step

PLAYABLE: tuple[Scene, ...] = (journey.SCENE, rivals.SCENE, silence.SCENE, refused_filing.SCENE)

SCENES: dict[str, Scene] = {scene.name: scene for scene in PLAYABLE}

__all__ = ["SCENES", "Hub", "Scene", "Step"]
