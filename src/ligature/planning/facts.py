"""What a plan knows of a study: how many images, texts and concepts, how wide and how costly its encoders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ligature.curation.scale import Scale
from ligature.data.prompts.builtin import builtin_templates
from ligature.data.remote import Source
from ligature.data.scenes import class_names
from ligature.encoders.unimodal.architectures import VIT
from ligature.errors import LigatureError
from ligature.params import Study
from ligature.params.datasets import DatasetParams, kind_of
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams
from ligature.params.pretraining_checks import PLACEHOLDER
from ligature.params.study import uses_world
from ligature.planning.architectures import Architecture, towers
from ligature.planning.tables import Tables
from ligature.store import Layout

PUBLISHED_VOCABULARY = 49408
"""Tokens of CLIP's vocabulary."""
LONG_CAPTIONS = {"pixmo-cap": 220.0, "localized-narratives": 42.0}
"""Mean tokens of long captions, as others count: 167 words at 1.3 tokens each; 21.3 million in 507,444 narratives."""


class UnknownFact(LigatureError):
    """A size or a rate that no table declares; the message names it and what to give."""


@dataclass(frozen=True)
class Facts:
    """A study with the pair that it trains, and the declared numbers.

    Attributes:
        study: the study.
        vision: vision encoder of the pair that is trained.
        text: its text encoder.
        tables: the declared numbers.
        sources: rows of the table of public sources, by ``NAME@VERSION``.
    """

    study: Study
    vision: str
    text: str
    tables: Tables
    sources: Mapping[str, Sequence[Source]]

    @cached_property
    def layout(self) -> Layout:
        """Where the artifacts of the study live."""
        return Layout(self.study)

    def quantity(self, name: str) -> float:
        """Returns a declared quantity.

        Raises:
            UnknownFact: it is not declared.
        """
        if name not in self.tables.quantities:
            raise UnknownFact(f"quantity {name!r}: not in {self.tables.folder / 'quantities.csv'}; add a row")
        return self.tables.quantities[name].value

    def images(self, name: str) -> float:
        """Returns the images of a data set of the study, or those that are kept of a downloaded set."""
        if name not in self.study.datasets:
            return self.kept(name)
        block = self.study.datasets[name]
        found = self._declared(name, "images")
        if block.fold:
            found /= block.fold.of
        return min(found, block.limit) if block.limit else found

    def classes(self, name: str) -> float:
        """Returns the number of classes of a data set."""
        block = self.study.datasets[name]
        return len(class_names()) if uses_world(block) else self._declared(name, "classes")

    def texts(self, name: str) -> float:
        """Returns the texts of a data set, of a pool or of a downloaded set, with translations and prompts."""
        if name not in self.study.datasets:
            return self.drawn(name) if name in self.study.curate.pool else self.kept(name)
        block = self.study.datasets[name]
        if kind_of(block) == "captions":
            languages = len(block.translations.languages) if block.translations else 0
            lengths = len(block.descriptions.words) + 1 if block.descriptions else 0
            own = 1.0 if block.format == "parallel" else self.quantity("captions of an image")
            return self.images(name) * (own + languages + lengths)
        return self.classes(name) * (len(block.templates) + sum(map(_prompts, block.prompts.values())))

    def tokens(self, name: str) -> float:
        """Returns the mean number of tokens of the texts of a data set."""
        block = self.study.datasets.get(name)
        if block is None:
            source = self.study.sources.get(name)
            return LONG_CAPTIONS.get(source and source.format) or self.quantity("tokens of a caption")
        if kind_of(block) == "classes":
            return self.quantity("tokens of a prompt")
        return self.quantity("tokens of a scene caption" if uses_world(block) else "tokens of a caption")

    def pixels(self, name: str) -> float:
        """Returns the mean number of pixels of the images of a data set or of a downloaded set."""
        if name in self.study.datasets:
            in_world = uses_world(self.study.datasets[name])
            return self.study.world.image_size**2 if in_world else self.quantity("pixels of a photograph")
        return self.stored_pixels

    @property
    def stored_pixels(self) -> float:
        """Pixels of a downloaded image, whose longer side is a third longer than the shorter one."""
        return self.study.download.image_size**2 * 4 / 3

    def rows(self, name: str) -> float:
        """Returns the rows of a source.

        Raises:
            UnknownFact: neither the study's world, nor the user, nor the table of sources knows them.
        """
        source, world = self.study.sources[name], self.study.world
        if name in self.tables.rows:
            return self.tables.rows[name]
        if uses_world(source) and world.web is not None:
            return getattr(world.web, source.format)
        if known := self._rows_of(source.resource):
            return known
        raise UnknownFact(f"sources.{name}: its rows are not known; pass --rows {name}=NUMBER")

    def _rows_of(self, resource: str | None) -> int:
        """Returns the rows that the table of sources knows of a resource, over all its files; 0 for none."""
        return sum(row.rows or 0 for row in self.sources.get(resource, ()))

    def drawn(self, name: str) -> float:
        """Returns the rows of a source that its sample has, all where there is none."""
        sample = self.study.sources[name].sample
        return min(self.rows(name), sample.rows) if sample else self.rows(name)

    def rows_of_job(self, name: str) -> float:
        """Returns the rows of one job of a source."""
        return self.rows(name) / self.study.sources[name].jobs

    @cached_property
    def concepts(self) -> float:
        """Number of concepts that captions are scored against."""
        return sum(self.classes(name) for name in self.study.curate.prototypes.datasets)

    @cached_property
    def scale(self) -> Scale:
        """Size of the curation; every row of the pool counts as wanted."""
        curate = self.study.curate
        pixels = self.stored_pixels
        return Scale(
            captions=round(sum(self.drawn(name) for name in curate.pool)),
            concepts=round(self.concepts),
            dims=self.joint_dims,
            k=curate.k,
            quota=curate.quota,
            over_collect=curate.over_collect,
            mean_caption_characters=self.quantity("characters of a caption"),
            mean_url_characters=self.quantity("characters of an address"),
            mean_image_bytes=pixels * self.quantity("bytes a stored pixel"),
            jobs=len(self.layout.pool_jobs),
            fan_in=curate.fan_in,
        )

    @property
    def joint_dims(self) -> int:
        """Width of the space in which captions are scored."""
        scorer = self.study.curate.scorer
        return self.architecture(scorer.text).dims if scorer else self.study.train.projector.embed_dim

    def asked(self, name: str) -> float:
        """Returns the rows of a set whose images are asked for."""
        return self.scale.selected_rows if name in ("collected", "random") else self.drawn(name)

    def arriving(self, name: str) -> float:
        """Returns the images of a set that arrive."""
        return self.asked(name) * self.quantity("share of links that answer")

    def kept(self, name: str) -> float:
        """Returns the images of a set that mixes are made of: what arrives, up to the quotas."""
        wanted = self.scale.wanted_rows if name in ("collected", "random") else self.asked(name)
        return min(wanted, self.arriving(name))

    def block(self, name: str) -> VisionEncoderParams | TextEncoderParams:
        """Returns the block of an encoder."""
        encoders = self.study.encoders
        return next(entry for entry in [*encoders.vision, *encoders.text] if entry.name == name)

    def is_vision(self, name: str) -> bool:
        """Whether an encoder reads images."""
        return isinstance(self.block(name), VisionEncoderParams)

    def architecture(self, name: str) -> Architecture:
        """Returns the size of an encoder.

        Raises:
            UnknownFact: its source stands in no table.
        """
        block = self.block(name)
        if (block.source or "").startswith(PLACEHOLDER):
            return self.towers[isinstance(block, TextEncoderParams)]
        if isinstance(block, TextEncoderParams):
            if block.loader == "bag-of-words":
                return Architecture(dims=block.dims)
            if block.recipe:
                width = block.recipe.hidden_size
                return Architecture(width, block.recipe.layers, width, 4 * width, vocabulary=block.recipe.vocabulary)
            return self._listed(name, block.source, "text")
        if block.loader == "pixels":
            return Architecture(dims=3 * block.image_size**2, image_size=block.image_size)
        if block.recipe and block.recipe.architecture == "vit":
            width = VIT.hidden_size
            sizes = {"patch": VIT.patch_size, "image_size": self.side(name)}
            return Architecture(width, VIT.layers, width, VIT.mlp_ratio * width, **sizes, has_cls=True)
        return self._listed(name, "recipe:resnet" if block.recipe else block.source, "vision")

    @property
    def towers(self) -> tuple[Architecture, Architecture]:
        """Sizes of the two towers that the study pre-trains."""
        block = self.study.pretraining
        return towers(block.towers, block.tokenizer.vocabulary or PUBLISHED_VOCABULARY)

    def side(self, name: str) -> int:
        """Returns the side of a vision encoder's input in pixels."""
        block = self.block(name)
        if block.image_size:
            return block.image_size
        return self.study.world.image_size if block.recipe and self.study.world else self.architecture(name).image_size

    def _listed(self, name: str, source: str, side: str) -> Architecture:
        known = self.tables.architectures
        if (source, side) not in known:
            table = self.tables.folder / "architectures.csv"
            raise UnknownFact(f"encoders.{name}: {source!r} is not in {table}; add a row with its size")
        return known[source, side]

    @cached_property
    def _known(self) -> dict[tuple[str, str], float]:
        return {}

    def _declared(self, name: str, column: str) -> float:
        if (name, column) not in self._known:
            self._known[name, column] = self._look_up(name, column)
        return self._known[name, column]

    def _look_up(self, name: str, column: str) -> float:
        block = self.study.datasets[name]
        if column == "images" and name in self.tables.rows:
            return self.tables.rows[name]
        if uses_world(block):
            return self._rendered(block)
        words = str(block.model_dump()).lower()
        for row in self.tables.sizes:
            fits = row["format"] == block.format and row["split"] in ("", block.split) and row["contains"] in words
            if fits and row[column]:
                return float(row[column])
        if column == "images" and (rows := max(map(self._rows_of, block.resources), default=0)):
            return rows
        table = self.tables.folder / "sizes.csv"
        what = f"--rows {name}=NUMBER, or add a row" if column == "images" else "a row"
        raise UnknownFact(f"datasets.{name}: its {column} are not in {table}; give {what}")

    def _rendered(self, block: DatasetParams) -> float:
        world, per_class = self.study.world, len(class_names()) if block.format == "imagefolders" else 1
        for splits in {"imagefolders": [world.imagenet], "voc": [world.voc]}.get(block.format, [world.coco]):
            if block.split in splits:
                return splits[block.split] * per_class
        return world.shifted.get("test", 0) or next(iter(world.shifted.values()))


def _prompts(block: object) -> int:
    """Returns the number of prompts a class of one prompt set; sentences count as ten."""
    if block.builtin:
        return len(builtin_templates(block.builtin))
    return len(block.templates) if block.templates else 10
