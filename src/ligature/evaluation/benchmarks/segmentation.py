"""Zero-shot segmentation: Pascal VOC and Pascal Context."""

from ligature.evaluation.benchmarks.metadata import SEE_PAGE, BenchmarkMetadata, FormatBenchmark

PROTOCOL = (
    "Projected patch tokens against the class prompts, window by window, enlarged to the image. Standard protocol: the "
    "best class at every pixel, void left out; miou is the mean over classes of the IoU over all pixels. Published "
    "protocol: the scores of a class scaled to 0..1 and cut at a threshold, IoU with the class's own mask; iou is the "
    "mean over images, iou_per_class over classes."
)
ORACLE = (
    "The published protocol asks only for classes that the image is known to hold (oracle presence) and lets masks "
    "overlap; its values are far above miou and must not be compared with it."
)


class Voc2012(FormatBenchmark):
    """Pascal VOC 2012."""

    format = "voc"
    metadata = BenchmarkMetadata(
        name="Pascal VOC 2012",
        task="segmentation",
        description="1,449 validation photographs with masks of 20 classes and background.",
        dataset="voc: JPEGImages, SegmentationClass and ImageSets/Segmentation/val.txt",
        reference="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        version="2012",
        splits=("val", "train", "trainval"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="miou",
        protocol=PROTOCOL,
        citation="Everingham et al., The Pascal Visual Object Classes Challenge: A Retrospective, IJCV 2015",
        notes=(ORACLE, "Published code counts void pixels as background and asks with raw names such as tvmonitor."),
    )


class PascalContext(FormatBenchmark):
    """Pascal Context with its 59 frequent classes."""

    format = "pascal-context"
    metadata = BenchmarkMetadata(
        name="Pascal Context",
        task="segmentation",
        description="Photographs of Pascal VOC 2010 with every pixel labelled; the 59 frequent classes.",
        dataset="pascal-context: JPEGImages, trainval/*.mat, labels.txt, 59_labels.txt and the list of the split",
        reference="https://cs.stanford.edu/~roozbeh/pascal-context/",
        version="2014, on VOC 2010",
        splits=("val", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="miou",
        protocol=PROTOCOL,
        citation="Mottaghi et al., The Role of Context for Object Detection and Semantic Segmentation in the Wild, "
        "CVPR 2014",
        notes=(ORACLE, "Whether the other labels count as background (60 classes) or as void (59) must be said."),
    )
