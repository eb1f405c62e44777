"""The paper study in miniature: its own data sets, rules and blocks with small numbers, against a mirror."""

from pathlib import Path
from typing import Any

import yaml
from study_project import ROOT
from tiny_clip import save_clip
from tiny_layouts import caption
from tiny_mirror import Mirror
from tiny_models import ARCHITECTURES
from tiny_towers import tiny_language, tiny_smolvlm

from ligature.encoders.unimodal import make_text_encoder
from ligature.params.encoders import TextRecipe

SIDE = 32
"""Side of the images that the random encoders see, in pixels."""


def paper_study() -> dict[str, Any]:
    """Returns the values of the paper study as it is shipped."""
    return yaml.safe_load((ROOT / "studies/paper.yaml").read_text(encoding="utf-8"))


def in_miniature(values: dict[str, Any]) -> dict[str, Any]:
    """Makes every number of the study small; data sets, encoders, sources, rules and blocks stay as they are."""
    for dataset in values["datasets"].values():
        dataset.pop("parts", None)
        dataset.pop("prompts", None)
        dataset.pop("fold", None)
    values["datasets"]["coco-karpathy-val"]["split"] = "test"  # the mirror's release has no val
    for encoder in values["encoders"]["vision"]:
        if encoder["loader"] == "transformers":
            encoder["image_size"] = SIDE
    values["embed"] |= {"max_skipped": 0.0, "image_batch": 16}
    values["pairs"] |= {"permutations": 10, "bootstraps": 10}
    values["pairs"]["probe"] |= {"steps": 3, "batch_size": 8, "embed_dim": 16}
    values["train"] |= {"epochs": 2, "batch_size": 16, "warmup_steps": 2, "loss": {"negatives": "local", "group": 8}}
    values["train"]["projector"]["embed_dim"] = 16
    values["evaluate"]["segmentation"] |= {"image_size": SIDE, "window": SIDE, "stride": SIDE}
    values["sources"]["laion"] |= {"parts": 2, "slices": 2}
    values["sources"]["pixmo-cap"] |= {"parts": 1, "sample": {"rows": 20, "seed": 0}}
    values["sources"]["narratives"]["sample"]["rows"] = 20
    values["sources"]["cc3m"]["slices"] = values["sources"]["cc12m"]["slices"] = 1
    values["curate"] |= {"k": 12, "quota": 2, "fan_in": 2}
    values["curate"]["prototypes"]["shots"] = 2
    values["download"] |= {"chunks": 1, "image_size": SIDE, "timeout": 5}
    values["ablation"]["steps"] = 3
    values["sweep"] |= {"steps": 2, "batch_size": 8, "embed_dim": 16}
    for experiment in values["matching"]["experiments"].values():
        experiment |= {"base_sizes": [6], "base_draws": 2}
        if experiment["queries"]:
            experiment |= {"queries": 4}
        experiment["selections"] = ["random"]
        if "csls" in experiment:
            experiment["csls"] = 2
    values["pretraining"] |= {"epochs": 1, "batch_size": 8, "warmup_steps": 1}
    small = {"image_size": SIDE, "width": 32, "layers": 1, "heads": 2, "embed_dim": 16}
    values["pretraining"]["towers"] |= small
    values["captioning"] = few_captions(values["captioning"])
    values["report"] |= {"samples": 2, "tsne_points": 10}
    return values


def few_captions(block: dict[str, Any]) -> dict[str, Any]:
    """Makes every number of captioning small; recipes, stages, rates and connectors stay as they are.

    Metrics that need Java are left out, and an H-Reducer joins two of the four patches of a row.
    """
    for recipe in block["recipes"].values():
        recipe |= {"tiles": 4, "context_length": 1000}
        for stage in recipe["stages"]:
            stage |= {"epochs": 1, "batch_size": 8}
            stage.pop("warmup_steps", None)
        if recipe.get("lora"):
            recipe["lora"] |= {"rank": 2, "alpha": 2.0}
    for run in block["runs"].values():
        for key, small in {"pruned": 50, "queries": 4, "layers": 1, "heads": 2, "reduction": 2}.items():
            if key in run["connector"]:
                run["connector"][key] = small
    block["generation"] |= {"max_new_tokens": 4}
    return block | {"metrics": ["cider"], "tokenizer": "plain", "noise": [0.0, 1.0], "noise_images": 4}


def few_of_each(values: dict[str, Any]) -> dict[str, Any]:
    """Keeps what has a job of every rule: two encoders a side, one data set of a kind, two runs of the sweep."""
    values = in_miniature(values)
    values["encoders"]["vision"] = [e for e in values["encoders"]["vision"] if e["name"] != "dinov2-base"]
    kept = ("all-roberta-large", "mpnet", "clip-text")
    values["encoders"]["text"] = [e for e in values["encoders"]["text"] if e["name"] in kept]
    values["pairs"] |= {"datasets": ["coco"], "vision": ["dinov2-large", "clip-vision"]}
    values["pairs"]["text"] = ["all-roberta-large", "clip-text"]
    values["pretraining"] |= {"datasets": ["sbu"], "classification": ["imagenet"], "retrieval": ["flickr30k"]}
    values["pretraining"]["probe"]["train"] = "imagenet-train"
    values["pretraining"]["runs"] = {name: values["pretraining"]["runs"][name] for name in ("clip", "alignclip")}
    values["evaluate"] |= {"classification": ["imagenet"], "retrieval": ["flickr30k"], "baselines": []}
    values["evaluate"]["segmentation"]["datasets"] = ["voc"]
    values["curate"]["prototypes"]["dataset"] = ["imagenet-train", "eurosat"]
    values["curate"]["decontaminate"]["datasets"] = ["flickr30k"]
    values["curate"]["captioned"] = ["sbu", "pixmo-cap"]
    values["mixes"]["captioned"]["sets"], values["mixes"]["described"]["sets"] = ["sbu"], ["pixmo-cap"]
    values["mixes"]["mix"]["sets"] = values["train"]["datasets"] = ["collected", "sbu"]
    values["sweep"]["runs"] = {name: values["sweep"]["runs"][name] for name in ("token-token-token-mlp",)}
    values["matching"]["shuffles"] = []
    values["matching"]["experiments"] = {"within": values["matching"]["experiments"]["within"]}
    values["matching"]["experiments"]["within"] |= {"vision": ["dinov2-large"], "text": ["all-roberta-large"]}
    values["ablation"] |= {"retrieval": ["flickr30k"]}
    values["sweep"] |= {"retrieval": ["flickr30k"]}
    captioning = values["captioning"]
    captioning |= {"evaluation": ["coco"], "validation": "coco"}
    captioning["runs"] = {name: captioning["runs"][name] for name in ("align-3b", "align-repository")}
    captioning["recipes"] = {name: captioning["recipes"][name] for name in ("published", "repository")}
    for recipe, stage, name in (("published", 0, "sbu"), ("published", 2, "coco-train"), ("repository", 1, "sbu")):
        captioning["recipes"][recipe]["stages"][stage]["datasets"] = [name]
    used = {"coco-train", "coco", "flickr30k", "imagenet", "imagenet-train", "eurosat", "voc"}
    values["datasets"] = {name: dataset for name, dataset in values["datasets"].items() if name in used}
    values["sources"] = {
        name: source for name, source in values["sources"].items() if name in ("laion", "sbu", "pixmo-cap")
    }
    return values


def save_smolvlm(folder: Path) -> None:
    """Saves a random SmolVLM, encoder and language model in one repository, and the processor of its images."""
    from transformers import SmolVLMImageProcessorPil

    tiny_smolvlm(folder, tied=False)
    sizes = {"size": {"longest_edge": 2 * SIDE}, "max_image_size": {"longest_edge": SIDE}}
    SmolVLMImageProcessorPil(**sizes).save_pretrained(folder)


SAVED = {"siglip-400m": ARCHITECTURES["siglip"].saved, "smolvlm-vision": save_smolvlm}
"""What saves a tiny encoder in place of those that are no DINOv2, by name."""


def serve_models(mirror: Mirror, values: dict[str, Any], folder: Path) -> None:
    """Has the mirror answer for all models of the study, at their commits, with tiny random ones of their kinds."""
    words = [caption(f"word {number}") for number in range(200)]
    entries = [*values["encoders"]["vision"], *values["encoders"]["text"]]
    tokenizer = values["pretraining"]["tokenizer"]
    save_clip(folder / tokenizer["source"])
    mirror.add_model(tokenizer["source"], folder / tokenizer["source"], tokenizer["revision"])
    for number, source in enumerate(dict.fromkeys(entry["source"] for entry in entries)):
        entry = next(entry for entry in entries if entry["source"] == source)
        target = folder / source
        if entry["loader"] == "clip":
            save_clip(target)
        elif entry in values["encoders"]["vision"]:
            SAVED.get(entry["name"], ARCHITECTURES["dinov2"].saved)(target)
        else:
            recipe = TextRecipe(dataset="words", hidden_size=32, layers=1, vocabulary=400, seed=number)
            make_text_encoder(recipe, target, texts=words)
        mirror.add_model(source, target, entry["revision"])
    llama = values["captioning"]["languages"]["llama-3b"]
    mirror.add_model(llama["source"], tiny_language(folder / llama["source"], chat=True), llama["revision"])
