"""The procedural world: captioned scenes of a few objects, rendered from a seed."""

from ligature.data.scenes.captions import LANGUAGES, english_captions, long_description, translations
from ligature.data.scenes.division import Division, is_web_scene
from ligature.data.scenes.rendering import mask, placements, render
from ligature.data.scenes.sampling import distinct_scenes, sample_scene, single_scenes
from ligature.data.scenes.scene import Scene, SceneObject, class_names
from ligature.data.scenes.world import WorldSummary, write_world

__all__ = [
    "LANGUAGES",
    "Division",
    "Scene",
    "SceneObject",
    "WorldSummary",
    "class_names",
    "distinct_scenes",
    "english_captions",
    "is_web_scene",
    "long_description",
    "mask",
    "placements",
    "render",
    "sample_scene",
    "single_scenes",
    "translations",
    "write_world",
]
