"""Retrieval between images and captions: Flickr30k, COCO, XTD10, Multi30k."""

from ligature.evaluation.benchmarks.metadata import SEE_PAGE, BenchmarkMetadata, CaptionsBenchmark

PROTOCOL = (
    "Each image in its encoder's own preprocessing; captions as they are, up to the encoder's own limit. Recall at 1, "
    "5 and 10 and median rank both ways, among all images or captions of the split; an image counts by the best of its "
    "captions; ties count against the model."
)
KARPATHY = "https://cs.stanford.edu/people/karpathy/deepimagesent/"
COCO_LICENCE = "annotations CC BY 4.0; images under the terms of Flickr"


class Flickr30k(CaptionsBenchmark):
    """Flickr30k in Karpathy's split."""

    format, hints = "karpathy", ("flickr30k",)
    metadata = BenchmarkMetadata(
        name="Flickr30k",
        task="retrieval",
        description="1,000 test photographs with five captions each.",
        dataset="karpathy: flickr30k-images and dataset_flickr30k.json",
        reference=KARPATHY,
        version="Karpathy's split",
        splits=("test", "val", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="t2i_recall@1",
        protocol=PROTOCOL,
        citation="Young et al., From Image Descriptions to Visual Denotations, TACL 2014; "
        "Karpathy and Fei-Fei, Deep Visual-Semantic Alignments for Generating Image Descriptions, CVPR 2015",
        notes=("Published code lower-cases captions, strips punctuation and cuts at 30 words; here nothing is cut.",),
    )


class CocoKarpathy(CaptionsBenchmark):
    """COCO in Karpathy's split."""

    format, hints = "karpathy", ("coco",)
    metadata = BenchmarkMetadata(
        name="COCO 5K (Karpathy)",
        task="retrieval",
        description="5,000 test photographs of val2014 with five captions each.",
        dataset="karpathy: train2014 and val2014 below one folder, and dataset_coco.json",
        reference=KARPATHY,
        version="2014, Karpathy's split",
        splits=("test", "val", "train"),
        languages=("en",),
        licence=COCO_LICENCE,
        main_metric="t2i_recall@1",
        protocol=PROTOCOL + " All 5,000 images at once, not five folds of 1,000.",
        citation="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014; "
        "Karpathy and Fei-Fei, Deep Visual-Semantic Alignments for Generating Image Descriptions, CVPR 2015",
        notes=(
            "Not the 5,000 images of val2017, which published code reads; results on the two must not be compared.",
        ),
    )


class CocoVal2017(CaptionsBenchmark):
    """COCO's validation set of 2017."""

    format, hints = "coco", ("captions_val2017",)
    metadata = BenchmarkMetadata(
        name="COCO val2017",
        task="retrieval",
        description="5,000 photographs with at least five captions each.",
        dataset="coco: val2017 and annotations/captions_val2017.json",
        reference="https://cocodataset.org/",
        version="2017",
        splits=("val",),
        languages=("en",),
        licence=COCO_LICENCE,
        main_metric="t2i_recall@1",
        protocol=PROTOCOL,
        citation="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014; "
        "Chen et al., Microsoft COCO Captions, arXiv:1504.00325, 2015",
        notes=("Not the 5,000 test images of Karpathy's split; results on the two must not be compared.",),
    )


class Xtd10(CaptionsBenchmark):
    """XTD10, captions of COCO images in many languages."""

    format, hints = "parallel", ("xtd", "1kcaptions")
    metadata = BenchmarkMetadata(
        name="XTD10",
        task="multilingual retrieval",
        description="1,000 photographs of COCO with one caption in each of eleven languages.",
        dataset="parallel: test_image_names.txt and one test_1kcaptions file a language, with translations",
        reference="https://github.com/adobe-research/Cross-lingual-Test-Dataset-XTD10",
        version="2020",
        splits=("test",),
        languages=("en", "de", "fr", "ja", "es", "it", "ko", "pl", "ru", "tr", "zh"),
        licence=SEE_PAGE,
        main_metric="t2i_recall@1",
        protocol=PROTOCOL + " Each language by itself, one caption an image.",
        citation="Aggarwal and Kale, Towards Zero-shot Cross-lingual Image Retrieval, arXiv:2012.05107, 2020",
        notes=(
            "800 of its images are training images of COCO, 200 validation images; a model trained on COCO saw them.",
            "Many papers report recall@10, not recall@1.",
        ),
    )


class Multi30k(CaptionsBenchmark):
    """Multi30k, Flickr30k with translations."""

    format, hints = "parallel", ("multi30k", "test_2016_flickr", "test_2017_flickr", "test_2018_flickr")
    metadata = BenchmarkMetadata(
        name="Multi30k",
        task="multilingual retrieval",
        description="1,000 photographs of Flickr30k with one caption in English, German, French and Czech.",
        dataset="parallel: the list of images and one file of captions a language, with translations",
        reference="https://github.com/multi30k/dataset",
        version="task 1, test_2016_flickr",
        splits=("test", "val", "train"),
        languages=("en", "de", "fr", "cs"),
        licence=SEE_PAGE,
        main_metric="t2i_recall@1",
        protocol=PROTOCOL + " Each language by itself, one caption an image.",
        citation="Elliott et al., Multi30K: Multilingual English-German Image Descriptions, VL 2016",
        notes=("Captions of task 1 are translations of one English caption; those of task 2 were written anew.",),
    )
