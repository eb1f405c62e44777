"""Classification of things and places: ImageNet and its kin, scenes, textures, actions, land from above."""

from ligature.evaluation.benchmarks.metadata import SEE_PAGE, BenchmarkMetadata, FormatBenchmark

PROTOCOL = (
    "Each image in its encoder's own preprocessing; every prompt of a class embedded and scaled to unit length, their "
    "mean scaled again; the class of highest cosine wins; top1 is the share of images that are right. "
)
SINGLE = PROTOCOL + "Prompts: the templates of the data set's block; further prompt sets are measured beside them."


class ImageNet(FormatBenchmark):
    """ImageNet, the challenge of 2012."""

    format = "imagenet"
    metadata = BenchmarkMetadata(
        name="ImageNet",
        task="classification",
        description="50,000 photographs of 1,000 kinds of things.",
        dataset="imagenet: folders of synset ids, or the flat folder with LOC_val_solution.csv; LOC_synset_mapping.txt",
        reference="https://image-net.org/",
        version="ILSVRC 2012",
        splits=("val", "train"),
        languages=("en",),
        licence="terms of access of image-net.org: non-commercial research and education",
        main_metric="top1",
        protocol=SINGLE,
        citation="Deng et al., ImageNet: A Large-Scale Hierarchical Image Database, CVPR 2009",
        notes=(
            "The synonyms of the mapping are often poor prompts, and two classes may be called crane; a curated file "
            "of names under `classes` changes the result by points, so compare like with like.",
            "Where two classes have the same first synonym, one takes its next (Cardigan Welsh corgi, tank suit).",
            "Published results with sentences of a language model mix the model's quality with that of the prompts.",
        ),
    )


class ImageNetV2(FormatBenchmark):
    """ImageNetV2, the set of matched frequency."""

    format = "imagenet-v2"
    metadata = BenchmarkMetadata(
        name="ImageNetV2",
        task="classification",
        description="10,000 photographs gathered anew as ImageNet's were.",
        dataset="imagenet-v2: folders 0 to 999; LOC_synset_mapping.txt of ImageNet beside them, or a file of names",
        reference="https://github.com/modestyachts/ImageNetV2",
        version="matched frequency",
        splits=("val",),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Recht et al., Do ImageNet Classifiers Generalize to ImageNet?, ICML 2019",
        notes=("Folder names are numbers, not synset ids: sorted as text they are in the wrong order.",),
    )


class Caltech101(FormatBenchmark):
    """Caltech-101 without its background class."""

    format = "caltech-101"
    metadata = BenchmarkMetadata(
        name="Caltech-101",
        task="classification",
        description="8,677 pictures of 101 kinds of objects.",
        dataset="caltech-101: 101_ObjectCategories without BACKGROUND_Google",
        reference="https://data.caltech.edu/records/mzrjq-6wc02",
        version="2003",
        splits=("all",),
        languages=("en",),
        licence="CC BY 4.0",
        main_metric="top1",
        protocol=SINGLE + " There is no official split; all images are asked.",
        citation="Fei-Fei, Fergus and Perona, Learning Generative Visual Models from Few Training Examples, CVPRW 2004",
        notes=(
            "Faces and Faces_easy show the same people.",
            "Others report mean_per_class, some on a part of the images, some with the background as a class.",
        ),
    )


class Sun397(FormatBenchmark):
    """SUN397, scenes."""

    format = "sun397"
    metadata = BenchmarkMetadata(
        name="SUN397",
        task="classification",
        description="108,754 photographs of 397 kinds of places.",
        dataset="sun397: ClassName.txt; all images, or Testing_01.txt and Training_01.txt of the partitions",
        reference="https://vision.princeton.edu/projects/2010/SUN/",
        version="2010",
        splits=("all", "test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE + " The published protocol asks all images; the partitions hold 19,850 each.",
        citation="Xiao et al., SUN Database: Large-scale Scene Recognition from Abbey to Zoo, CVPR 2010",
    )


class Ucf101(FormatBenchmark):
    """UCF101 by the middle frames of its videos."""

    format = "ucf101"
    metadata = BenchmarkMetadata(
        name="UCF101",
        task="classification",
        description="The middle frames of 13,320 videos of 101 human actions.",
        dataset="ucf101: UCF-101-midframes, one folder a class; ucfTrainTestlist for the official split",
        reference="https://www.crcv.ucf.edu/data/UCF101.php",
        version="2012",
        splits=("all", "test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE + " The published protocol asks the whole folder of middle frames.",
        citation="Soomro, Zamir and Shah, UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild, 2012",
        notes=("One frame does not always show the action; results on videos are not comparable.",),
    )


class EuroSat(FormatBenchmark):
    """EuroSAT, its pictures in visible light."""

    format = "eurosat"
    metadata = BenchmarkMetadata(
        name="EuroSAT",
        task="classification",
        description="27,000 satellite pictures of 10 kinds of land.",
        dataset="eurosat: folder 2750 (or EuroSAT_RGB), one folder a class",
        reference="https://github.com/phelber/EuroSAT",
        version="RGB",
        splits=("all",),
        languages=("en",),
        licence="MIT",
        main_metric="top1",
        protocol=SINGLE + " There is no official split; all images are asked.",
        citation="Helber et al., EuroSAT: A Novel Dataset and Deep Learning Benchmark for Land Use and Land Cover "
        "Classification, IEEE JSTARS 2019",
        notes=("Prompts that say the picture comes from a satellite change the result by many points.",),
    )


class Dtd(FormatBenchmark):
    """The Describable Textures Dataset."""

    format = "dtd"
    metadata = BenchmarkMetadata(
        name="DTD",
        task="classification",
        description="1,880 test pictures of 47 kinds of textures.",
        dataset="dtd: images and the first partition, labels/test1.txt",
        reference="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        version="r1.0.1",
        splits=("test", "train", "val"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Cimpoi et al., Describing Textures in the Wild, CVPR 2014",
    )


class Cifar10(FormatBenchmark):
    """CIFAR-10."""

    format = "cifar-10"
    metadata = BenchmarkMetadata(
        name="CIFAR-10",
        task="classification",
        description="10,000 tiny test pictures of 10 kinds of things.",
        dataset="cifar-10: the binary release, cifar-10-batches-bin",
        reference="https://www.cs.toronto.edu/~kriz/cifar.html",
        version="binary",
        splits=("test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        notes=("Pictures have 32 x 32 pixels and are enlarged by the encoder's preprocessing.",),
    )


class Cifar100(FormatBenchmark):
    """CIFAR-100, its fine classes."""

    format = "cifar-100"
    metadata = BenchmarkMetadata(
        name="CIFAR-100",
        task="classification",
        description="10,000 tiny test pictures of 100 kinds of things.",
        dataset="cifar-100: the binary release, cifar-100-binary; fine labels",
        reference="https://www.cs.toronto.edu/~kriz/cifar.html",
        version="binary",
        splits=("test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        notes=("Pictures have 32 x 32 pixels and are enlarged by the encoder's preprocessing.",),
    )
