"""Classification of fine kinds: breeds, cars, flowers, dishes, aircraft, birds."""

from ligature.evaluation.benchmarks.metadata import SEE_PAGE, BenchmarkMetadata, FormatBenchmark
from ligature.evaluation.benchmarks.objects import SINGLE

PER_CLASS = "Others report mean_per_class, which stands beside top1; compare like with like."


class OxfordPets(FormatBenchmark):
    """The Oxford-IIIT pets."""

    format = "oxford-pets"
    metadata = BenchmarkMetadata(
        name="Oxford-IIIT Pets",
        task="classification",
        description="3,669 test photographs of 37 breeds of cats and dogs.",
        dataset="oxford-pets: images and annotations/test.txt",
        reference="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        version="2012",
        splits=("test", "trainval"),
        languages=("en",),
        licence="CC BY-SA 4.0",
        main_metric="top1",
        protocol=SINGLE,
        citation="Parkhi et al., Cats and Dogs, CVPR 2012",
        notes=(PER_CLASS,),
    )


class StanfordCars(FormatBenchmark):
    """The Stanford cars."""

    format = "stanford-cars"
    metadata = BenchmarkMetadata(
        name="Stanford Cars",
        task="classification",
        description="8,041 test photographs of 196 models of cars.",
        dataset="stanford-cars: devkit, cars_test and cars_test_annos_withlabels.mat, or cars_annos.mat and car_ims",
        reference="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
        version="2013",
        splits=("test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Krause et al., 3D Object Representations for Fine-Grained Categorization, ICCV Workshops 2013",
        notes=("The release has been hard to find at its own address; copies differ in layout, and both are read.",),
    )


class Flowers102(FormatBenchmark):
    """The Oxford flowers."""

    format = "flowers-102"
    metadata = BenchmarkMetadata(
        name="Oxford Flowers-102",
        task="classification",
        description="6,149 test photographs of 102 kinds of flowers.",
        dataset="flowers-102: jpg, imagelabels.mat and setid.mat",
        reference="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        version="2008",
        splits=("test", "train", "val"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Nilsback and Zisserman, Automated Flower Classification over a Large Number of Classes, ICVGIP 2008",
        notes=("The release has no file of class names; the package has them, in the order of labels.", PER_CLASS),
    )


class Food101(FormatBenchmark):
    """Food-101."""

    format = "food-101"
    metadata = BenchmarkMetadata(
        name="Food-101",
        task="classification",
        description="25,250 test photographs of 101 dishes.",
        dataset="food-101: images, meta/classes.txt and meta/test.txt",
        reference="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        version="2014",
        splits=("test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Bossard, Guillaumin and Van Gool, Food-101: Mining Discriminative Components with Random Forests, "
        "ECCV 2014",
        notes=("Training images were not cleaned; test images were.",),
    )


class FgvcAircraft(FormatBenchmark):
    """FGVC-Aircraft, its variants."""

    format = "fgvc-aircraft"
    metadata = BenchmarkMetadata(
        name="FGVC-Aircraft",
        task="classification",
        description="3,333 test photographs of 100 variants of aircraft.",
        dataset="fgvc-aircraft: data/images, data/variants.txt and data/images_variant_test.txt",
        reference="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        version="2013b",
        splits=("test", "train", "val", "trainval"),
        languages=("en",),
        licence="non-commercial research",
        main_metric="top1",
        protocol=SINGLE,
        citation="Maji et al., Fine-Grained Visual Classification of Aircraft, arXiv:1306.5151, 2013",
        notes=(PER_CLASS,),
    )


class Cub200(FormatBenchmark):
    """The birds of Caltech and UCSD."""

    format = "cub-200"
    metadata = BenchmarkMetadata(
        name="CUB-200-2011",
        task="classification",
        description="5,794 test photographs of 200 species of birds.",
        dataset="cub-200: images, images.txt, image_class_labels.txt, train_test_split.txt and classes.txt",
        reference="https://www.vision.caltech.edu/datasets/cub_200_2011/",
        version="2011",
        splits=("test", "train"),
        languages=("en",),
        licence=SEE_PAGE,
        main_metric="top1",
        protocol=SINGLE,
        citation="Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, CNS-TR-2011-001, 2011",
        notes=("The authors of the data set warn that some of its images also stand in ImageNet.",),
    )
