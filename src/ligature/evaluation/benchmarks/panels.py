"""Measurements beside the main one, on data sets of any origin: languages, long texts, the modality gap."""

from ligature.evaluation.benchmarks.metadata import Benchmark, BenchmarkMetadata
from ligature.evaluation.benchmarks.objects import PROTOCOL as CLASSIFICATION
from ligature.evaluation.benchmarks.retrieval import PROTOCOL as RETRIEVAL

LANGUAGES = ("en", "de", "fr", "ja", "ru")


class MultilingualClassification(Benchmark):
    """Classification with class names and templates in other languages."""

    metadata = BenchmarkMetadata(
        name="Multilingual classification",
        task="multilingual classification",
        description="The classes of a data set asked for in several languages.",
        dataset="any labelled format with prompt sets of other languages: translated class names and templates",
        reference="https://image-net.org/",
        version="the study's own translations",
        splits=("val", "test", "all"),
        languages=LANGUAGES,
        licence="that of the data set and of the translations",
        main_metric="top1",
        protocol=CLASSIFICATION + "One result a language; English with the main templates stands beside them.",
        citation="that of the data set",
        notes=(
            "There is no one official translation of ImageNet's names; results on different ones must not be compared.",
            "The languages named here are those of the published table; any others can be measured.",
        ),
    )


class LongTextRetrieval(Benchmark):
    """Retrieval with the first words of long descriptions."""

    metadata = BenchmarkMetadata(
        name="Long text retrieval",
        task="long text retrieval",
        description="The same images asked for with more and more words of a long description.",
        dataset="any captioned format with `descriptions`: a jsonl file of id and text",
        reference="https://arxiv.org/abs/2403.15378",
        version="the study's own descriptions",
        splits=("test", "val"),
        languages=("en",),
        licence="that of the data set and of the descriptions",
        main_metric="t2i_recall@1",
        protocol=RETRIEVAL
        + " One result a number of leading words, and one for the whole text; nothing is cut below it.",
        citation="Zhang et al., Long-CLIP: Unlocking the Long-Text Capability of CLIP, ECCV 2024",
        notes=("Texts above the encoder's own limit are counted; where there are many, the curve measures the limit.",),
    )


class ModalityGap(Benchmark):
    """How far images and texts lie apart."""

    metadata = BenchmarkMetadata(
        name="Modality gap",
        task="gap",
        description="Where the images and captions of one retrieval data set lie in the joint space.",
        dataset="any captioned format",
        reference="https://arxiv.org/abs/2203.02053",
        version="2022",
        splits=("test", "val"),
        languages=("en",),
        licence="that of the data set",
        main_metric="centroid_gap",
        protocol="Features at unit length: alignment_score, centroid_gap, relative_modality_gap and "
        "linear_separability of images and their captions.",
        citation="Liang et al., Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive "
        "Representation Learning, NeurIPS 2022",
        notes=("A small gap is no aim in itself: it does not order models by retrieval.",),
    )
