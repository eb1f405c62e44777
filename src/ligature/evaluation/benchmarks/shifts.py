"""Classification of ImageNet's classes under shifts of distribution: sketches, renditions, adversarial photographs."""

from ligature.evaluation.benchmarks.metadata import SEE_PAGE, BenchmarkMetadata, FormatBenchmark
from ligature.evaluation.benchmarks.objects import SINGLE

NAMES = "LOC_synset_mapping.txt of ImageNet beside them, or a file of names"
FEWER = "Only the 200 classes of the set are asked, so results are above those with all 1,000 of ImageNet."


class ImageNetSketch(FormatBenchmark):
    """ImageNet-Sketch."""

    format = "imagenet-sketch"
    metadata = BenchmarkMetadata(
        name="ImageNet-Sketch",
        task="classification",
        description="50,889 sketches in black and white of ImageNet's 1,000 classes.",
        dataset=f"imagenet-sketch: sketch, folders of synset ids; {NAMES}",
        reference="https://github.com/HaohanWang/ImageNet-Sketch",
        version="2019",
        splits=("test",),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Wang et al., Learning Robust Global Representations by Penalizing Local Predictive Power, "
        "NeurIPS 2019",
        notes=("Some classes had fewer than 50 pictures and were filled up with flipped and turned ones.",),
    )


class ImageNetA(FormatBenchmark):
    """ImageNet-A, photographs that a ResNet-50 gets wrong."""

    format = "imagenet-a"
    metadata = BenchmarkMetadata(
        name="ImageNet-A",
        task="classification",
        description="7,500 photographs of 200 of ImageNet's classes, kept because ResNet-50 models get them wrong.",
        dataset=f"imagenet-a: imagenet-a, folders of synset ids and README.txt with their list; {NAMES}",
        reference="https://github.com/hendrycks/natural-adv-examples",
        version="2019",
        splits=("test",),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Hendrycks et al., Natural Adversarial Examples, CVPR 2021",
        notes=(FEWER,),
    )


class ImageNetR(FormatBenchmark):
    """ImageNet-R, renditions."""

    format = "imagenet-r"
    metadata = BenchmarkMetadata(
        name="ImageNet-R",
        task="classification",
        description="30,000 renditions of 200 of ImageNet's classes: art, cartoons, embroidery, toys and more.",
        dataset=f"imagenet-r: imagenet-r, folders of synset ids and README.txt with their list; {NAMES}",
        reference="https://github.com/hendrycks/imagenet-r",
        version="2020",
        splits=("test",),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Hendrycks et al., The Many Faces of Robustness, ICCV 2021",
        notes=(FEWER, "The names of README.txt have underscores; ours are ImageNet's own."),
    )


class ImageNetO(FormatBenchmark):
    """ImageNet-O, images of no class of ImageNet."""

    format = "imagenet-o"
    metadata = BenchmarkMetadata(
        name="ImageNet-O",
        task="classification",
        description="2,000 images of none of ImageNet's classes, by which of 200 a ResNet-50 took them for.",
        dataset=f"imagenet-o: imagenet-o, folders of synset ids and README.txt with their list; {NAMES}",
        reference="https://github.com/hendrycks/natural-adv-examples",
        version="2019",
        splits=("test",),
        languages=("en",),
        licence="MIT",
        main_metric="top1",
        protocol=SINGLE,
        citation="Hendrycks et al., Natural Adversarial Examples, CVPR 2021",
        notes=(
            "A set for the detection of what belongs to no class: the label of an image is the wrong class that a "
            "ResNet-50 saw in it. Zero-shot accuracy over these 200 labels, as published, says how often a model "
            "makes the same mistake.",
            "Published results were made with names cut at the first word, of which only 196 differ.",
        ),
    )
